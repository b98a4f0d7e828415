package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Reads texts of any length in strict UTF-8, a part at a time; no part ends amid a character. A
 * byte order mark at a text's beginning is left out.
 */
public final class Utf8Reader {
  private static final int PART_BYTES = 1 << 20;

  private Utf8Reader() {}

  /**
   * Reads files one after another, as one text.
   *
   * @param files the files
   * @param part hears of each part, in order
   * @throws JambicException if a file cannot be read or is not UTF-8, naming the byte offset
   */
  public static void read(List<Path> files, Consumer<String> part) {
    files.forEach(file -> read(file, file.toString(), part));
  }

  static void read(Path file, String name, Consumer<String> part) {
    if (Files.isDirectory(file)) {
      throw new JambicException(name + " is a folder; give a text file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      read(in, name, part);
    } catch (NoSuchFileException e) {
      throw new JambicException(name + " does not exist", e);
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", name, ErrorText.reason(e)), e);
    }
  }

  /**
   * Reads a stream to its end.
   *
   * @param in the stream
   * @param name what error messages call it
   * @param part hears of each part, in order
   * @throws JambicException if it cannot be read or is not UTF-8, naming the byte offset
   */
  public static void read(InputStream in, String name, Consumer<String> part) {
    CharsetDecoder decoder = TextFile.decoder();
    ByteBuffer bytes = ByteBuffer.allocate(PART_BYTES);
    CharBuffer chars = CharBuffer.allocate(PART_BYTES); // UTF-8 never has more chars than bytes
    long offset = 0; // of the buffer's first byte
    boolean begun = false;
    try {
      for (boolean last = false; !last; ) {
        int count = in.read(bytes.array(), bytes.position(), bytes.remaining());
        last = count < 0;
        bytes.position(bytes.position() + Math.max(0, count)).flip();
        CoderResult result = decoder.decode(bytes, chars, last);
        if (result.isError()) {
          throw TextFile.malformed(name, offset, bytes);
        }
        offset += bytes.position();
        bytes.compact();
        String text = chars.flip().toString();
        chars.clear();
        if (!begun && !text.isEmpty()) {
          text = TextFile.withoutMark(text);
          begun = true;
        }
        if (!text.isEmpty()) {
          part.accept(text);
        }
      }
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", name, ErrorText.reason(e)), e);
    }
  }
}

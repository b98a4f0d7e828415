package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads training text: strict UTF-8, the whole file at once, without the byte order mark that it
 * may begin with.
 *
 * <p>Java's own {@code Files.readString} is strict too, but says neither which file nor where; a
 * person with a 300 MB file needs the byte offset.
 */
public final class TextFile {
  /** Arrays end at 2^31 - 1; a little below it so that a terminator or a header never overflows. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

  /** The byte order mark, as a character. */
  static final char MARK = '\uFEFF';

  private TextFile() {}

  /**
   * Reads a UTF-8 text file.
   *
   * @param file the file to read
   * @return its text, never empty
   * @throws JambicException if the file is missing, a folder, unreadable, empty, too large for
   *     memory, or not UTF-8 (naming the byte offset of the first malformed byte)
   */
  public static String read(Path file) {
    return decode(bytes(file), file.toString());
  }

  /**
   * Decodes UTF-8 strictly.
   *
   * @param bytes the encoded text
   * @param name what error messages call it, usually the file's path
   * @return the text, never empty
   * @throws JambicException if the text is empty or malformed
   */
  public static String decode(byte[] bytes, String name) {
    CharsetDecoder decoder = decoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length); // UTF-8 never has more chars than bytes
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      throw malformed(name, 0, in);
    }
    String text = withoutMark(out.flip().toString());
    if (text.isEmpty()) {
      throw new JambicException(name + " is empty; give a file with text in it");
    }
    return text;
  }

  /** Some editors begin a file with a byte order mark, which is not of the text. */
  static String withoutMark(String text) {
    return !text.isEmpty() && text.charAt(0) == MARK ? text.substring(1) : text;
  }

  /**
   * Why bytes are refused.
   *
   * @param name what they are of
   * @param begin the offset of the buffer's first byte
   * @param in where the decoder stopped, in front of the bytes that it refuses
   */
  static JambicException malformed(String name, long begin, ByteBuffer in) {
    int malformed = Byte.toUnsignedInt(in.get(in.position()));
    long offset = begin + in.position();
    String what = Text.format("not UTF-8: malformed byte 0x%02x at offset %d", malformed, offset);
    String remedy = "convert the file to UTF-8 first";
    if (offset == 0 && (malformed == 0xFE || malformed == 0xFF)) { // its byte order mark
      what = "UTF-16, not UTF-8";
    } else if (begin == 0 && offset == 1 && malformed == 0x8B && in.get(0) == 0x1F) {
      what = "compressed by gzip";
      remedy = "unpack it first";
    }
    return new JambicException(Text.format("%s is %s; %s", name, what, remedy));
  }

  private static byte[] bytes(Path file) {
    if (Files.isDirectory(file)) {
      throw new JambicException(file + " is a folder; give a text file");
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new JambicException(
            Text.format(
                "%s has %d bytes, more than the %d that can be read at once; give a smaller file",
                file, size, MAX_BYTES));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new JambicException(file + " does not exist", e);
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  /** Of UTF-8, which stops in front of the bytes that it refuses. */
  static CharsetDecoder decoder() {
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }
}

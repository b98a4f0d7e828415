package jambic.train;

import jambic.model.Wording;
import jambic.tensor.JambicException;
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
 * Reads training text: strict UTF-8, the whole file at once.
 *
 * <p>Java's own {@code Files.readString} is strict too, but says neither which file nor where; a
 * person with a 300 MB file needs the byte offset.
 */
public final class TextFile {
  /** Arrays end at 2^31 - 1; a little below it so that a terminator or a header never overflows. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 64L;

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
    if (bytes.length == 0) {
      throw new JambicException(name + " is empty; give a text to train on");
    }
    CharsetDecoder decoder = decoder();
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length); // UTF-8 never has more chars than bytes
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      int offset = in.position(); // the decoder stops in front of the bytes it refuses
      throw new JambicException(
          "%s is not UTF-8: malformed byte 0x%02x at offset %d; convert the file to UTF-8 first"
              .formatted(name, bytes[offset], offset));
    }
    return out.flip().toString();
  }

  private static byte[] bytes(Path file) {
    if (Files.isDirectory(file)) {
      throw new JambicException(file + " is a folder; give a text file");
    }
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new JambicException(
            "%s has %d bytes, more than the %d that can be read at once; give a smaller file"
                .formatted(file, size, MAX_BYTES));
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new JambicException(file + " does not exist", e);
    } catch (IOException e) {
      throw new JambicException("cannot read %s: %s".formatted(file, Wording.reason(e)), e);
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

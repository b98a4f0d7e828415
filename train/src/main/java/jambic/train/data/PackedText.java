package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;

/** Reads texts in strict UTF-8 that may be compressed by gzip, which their first bytes tell. */
public final class PackedText {
  private static final int MAGIC_BYTES = 2;

  private PackedText() {}

  /**
   * Opens a file, which is unpacked if its first bytes are gzip's.
   *
   * @param file the file
   * @param wanted what it should be, as in "a file with pairs of texts"
   * @return its content
   * @throws IOException if it cannot be read
   * @throws JambicException if it is a folder
   */
  public static InputStream open(Path file, String wanted) throws IOException {
    if (Files.isDirectory(file)) {
      throw new JambicException(file + " is a folder; give " + wanted);
    }
    InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
    try {
      in.mark(MAGIC_BYTES);
      boolean packed = in.read() == 0x1F && in.read() == 0x8B;
      in.reset();
      return packed ? new GZIPInputStream(in, 1 << 16) : in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  /**
   * Reads a text, a part at a time.
   *
   * @param file the file
   * @param wanted what it should be, as in "a file with pairs of texts"
   * @param part hears of each part, in order
   * @throws JambicException if it cannot be read or is not UTF-8, naming the byte offset
   */
  public static void read(Path file, String wanted, Consumer<String> part) {
    try (InputStream in = open(file, wanted)) {
      String name = in instanceof GZIPInputStream ? file + " (unpacked)" : file.toString();
      Utf8Reader.read(in, name, part);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Reads the lines of a text. Only a line feed ends a line, which a carriage return may precede:
   * rarer separators are of the text.
   *
   * @param file the file
   * @param wanted what it should be, as in "a file with pairs of texts"
   * @param listener hears of each line, in order
   * @throws JambicException if it cannot be read or is not UTF-8, naming the byte offset
   */
  public static void readLines(Path file, String wanted, TextLines.Listener listener) {
    TextLines lines =
        new TextLines((number, line) ->
            listener.onLine(
                number, line.endsWith("\r") ? line.substring(0, line.length() - 1) : line));
    read(file, wanted, lines);
    lines.end();
  }

  /**
   * Says why a file cannot be read.
   *
   * @param file the file
   * @param e what happened
   * @return the exception to throw
   */
  public static JambicException unreadable(Path file, IOException e) {
    return e instanceof NoSuchFileException
        ? new JambicException(file + " does not exist", e)
        : new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
  }
}

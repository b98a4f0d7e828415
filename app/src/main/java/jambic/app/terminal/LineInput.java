package jambic.app.terminal;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Reads lines in strict UTF-8, and tells whether another can be had without waiting. A line ends at
 * a line feed, before which a carriage return is left out; so is a byte order mark at the
 * beginning.
 */
public final class LineInput {
  private final InputStream in;
  private final String name;
  private final byte[] bytes = new byte[1 << 16];
  private final ByteArrayOutputStream open = new ByteArrayOutputStream(); // of a line in many parts
  private int from;
  private int to;
  private long number;

  /**
   * Reads from a stream.
   *
   * @param in the stream, which stays the caller's to close
   * @param name how errors call it
   */
  public LineInput(InputStream in, String name) {
    this.in = in;
    this.name = name;
  }

  /**
   * Reads the next line.
   *
   * @return the line without its end; empty if there is none
   */
  public Optional<String> next() {
    while (true) {
      int end = end();
      open.write(bytes, from, end - from);
      boolean whole = end < to;
      from = whole ? end + 1 : end;
      if (whole || !fill() && open.size() > 0) {
        return Optional.of(line());
      }
      if (from == to) {
        return Optional.empty();
      }
    }
  }

  /**
   * Tells whether {@link #next} need not wait for more to be typed or sent.
   *
   * @return whether a line is there
   */
  public boolean isReady() {
    try {
      while (end() == to && in.available() > 0) {
        open.write(bytes, from, to - from);
        from = to;
        if (!fill()) {
          return false;
        }
      }
      return end() < to;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /**
   * Returns the number of the line that was returned last.
   *
   * @return from 1; 0 before the first
   */
  public long number() {
    return number;
  }

  /**
   * Tells how errors name a line.
   *
   * @param line its number
   * @return the name of the stream and the number
   */
  public String place(long line) {
    return Text.format("%s, line %d", name, line);
  }

  /** Where the line ends that begins at the first byte, or all bytes end. */
  private int end() {
    int end = from;
    while (end < to && bytes[end] != '\n') {
      end++;
    }
    return end;
  }

  private boolean fill() {
    try {
      int count = in.read(bytes, 0, bytes.length);
      from = 0;
      to = Math.max(0, count);
      return count > 0;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private JambicException unreadable(IOException e) {
    return new JambicException(Text.format("cannot read %s: %s", name, ErrorText.reason(e)), e);
  }

  private String line() {
    byte[] line = open.toByteArray();
    open.reset();
    number++;
    int length = line.length;
    if (length > 0 && line[length - 1] == '\r') {
      length--;
    }
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Arrays.copyOf(line, length)))
              .toString();
      return number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new JambicException(
          place(number) + " is not UTF-8; convert the text to UTF-8 first", e);
    }
  }
}

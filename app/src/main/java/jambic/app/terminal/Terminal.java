package jambic.app.terminal;

import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Prints lines and, on a terminal, keeps a status line below them that is rewritten in place. A
 * file or a pipe gets the lines only.
 */
public final class Terminal {
  private static final String CLEAR_LINE = "\r\033[K";

  // A status longer than the window is cut, not wrapped: a wrapped one could not be taken back.
  private static final String WRAP_OFF = "\033[?7l";
  private static final String WRAP_ON = "\033[?7h";

  private final PrintWriter out;
  private final boolean live;
  private final boolean colored;
  private final boolean unicode;
  private boolean statusShown;

  Terminal(PrintWriter out, boolean live, boolean colored, boolean unicode) {
    this.out = out;
    this.live = live;
    this.colored = colored;
    this.unicode = unicode;
  }

  /**
   * The terminal of this process, if a person looks at one.
   *
   * @param out where it prints: the standard output
   * @return a terminal with a status line where there is one to be seen
   */
  public static Terminal of(PrintWriter out) {
    return of(out, true);
  }

  /**
   * The same for the error stream, which may lead elsewhere than the output.
   *
   * @param err where it prints: the standard error stream
   * @return a terminal with a status line where there is one to be seen
   */
  public static Terminal ofErrors(PrintWriter err) {
    return of(err, isSameDevice(Path.of("/dev/fd/1"), Path.of("/dev/fd/2")));
  }

  /** Whether two files are one device; the console speaks of the input and the output only. */
  static boolean isSameDevice(Path one, Path other) {
    try {
      return device(one) != 0 && device(one) == device(other);
    } catch (IOException | UnsupportedOperationException unknown) {
      return false;
    }
  }

  /** The number of a device, 0 for a plain file or a pipe. */
  private static long device(Path file) throws IOException {
    return ((Number) Files.getAttribute(file, "unix:rdev")).longValue();
  }

  private static Terminal of(PrintWriter out, boolean watched) {
    Console console = System.console();
    Map<String, String> environment = System.getenv();
    boolean live =
        watched
            && console != null
            && console.isTerminal()
            && !environment.getOrDefault("TERM", "").equals("dumb");
    boolean colored = live && environment.getOrDefault("NO_COLOR", "").isEmpty();
    Charset charset = live ? console.charset() : Charset.defaultCharset();
    return new Terminal(out, live, colored, charset.newEncoder().canEncode('━'));
  }

  /**
   * A terminal without a status line, for what runs under a script.
   *
   * @param out where it prints
   * @return a terminal of whole lines
   */
  public static Terminal plain(PrintWriter out) {
    return new Terminal(out, false, false, false);
  }

  /**
   * Whether there is a status line.
   *
   * @return false where only whole lines appear
   */
  public boolean isLive() {
    return live;
  }

  /**
   * Prints a line, above the status line if there is one.
   *
   * @param line the text
   */
  public void print(String line) {
    clear();
    out.println(line);
    out.flush();
  }

  /**
   * Replaces the status line; does nothing where there is none.
   *
   * @param status the text, one line
   */
  public void status(String status) {
    if (live) {
      out.print(CLEAR_LINE + WRAP_OFF + status + WRAP_ON);
      out.flush();
      statusShown = true;
    }
  }

  /** Takes the status line away. */
  public void clear() {
    if (statusShown) {
      out.print(CLEAR_LINE);
      out.flush();
      statusShown = false;
    }
  }

  /**
   * Draws a bar for a status line.
   *
   * @param share how much is done, from 0 to 1
   * @param width characters
   * @return the bar
   */
  public String bar(double share, int width) {
    int done = (int) Math.round(Math.clamp(share, 0.0, 1.0) * width);
    String full = (unicode ? "━" : "#").repeat(done);
    String rest = (unicode ? "─" : "-").repeat(width - done);
    return colored ? "\033[36m" + full + "\033[90m" + rest + "\033[0m" : full + rest;
  }
}

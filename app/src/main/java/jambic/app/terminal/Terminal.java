package jambic.app.terminal;

import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/**
 * Prints lines and, on a terminal, keeps a status line below them that is rewritten in place. A
 * file or a pipe gets the lines only.
 */
public final class Terminal {
  private static final String CLEAR_LINE = "\r\033[K";

  private static final int BAR = 20;
  private static final int SHORTEST_BAR = 4;

  // In a window that has just become narrower a status is cut, not wrapped: a wrapped one could not
  // be taken back.
  private static final String WRAP_OFF = "\033[?7l";
  private static final String WRAP_ON = "\033[?7h";

  private final PrintWriter out;
  private final boolean live;
  private final boolean colored;
  private final boolean unicode;
  private final IntSupplier width;
  private boolean statusShown;

  Terminal(PrintWriter out, boolean live, boolean colored, boolean unicode, IntSupplier width) {
    this.out = out;
    this.width = width;
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

  /**
   * Returns how many columns the window has.
   *
   * @return 1 or more
   */
  public int width() {
    return width.getAsInt();
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
    return new Terminal(out, live, colored, charset.newEncoder().canEncode('━'), new WindowWidth());
  }

  /**
   * A terminal without a status line, for what runs under a script.
   *
   * @param out where it prints
   * @return a terminal of whole lines
   */
  public static Terminal plain(PrintWriter out) {
    return new Terminal(out, false, false, false, () -> 0);
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
   * Whether it shows colours: not in a file or a pipe, with {@code TERM=dumb} or with {@code
   * NO_COLOR}.
   *
   * @return whether a text may have them
   */
  public boolean isColored() {
    return colored;
  }

  /**
   * Prints a line, above the status line if there is one.
   *
   * @param line the text
   */
  public synchronized void print(String line) {
    clear();
    out.println(line);
    out.flush();
  }

  /**
   * Prints a line to another stream, which may lead to the same window.
   *
   * @param other the stream
   * @param line the text
   */
  public synchronized void printTo(PrintWriter other, String line) {
    clear();
    other.println(line);
    other.flush();
  }

  /**
   * Replaces the status line; does nothing where there is none.
   *
   * @param status the text, one line
   */
  public synchronized void status(String status) {
    if (live) {
      out.print(CLEAR_LINE + WRAP_OFF + status + WRAP_ON);
      out.flush();
      statusShown = true;
    }
  }

  /**
   * Replaces the status line by one with a bar. What the window has no room for is left out as a
   * whole: figures but the first, from the last on; then the bar becomes shorter and goes.
   *
   * @param before the text before the bar, perhaps empty
   * @param share how much is done, from 0 to 1
   * @param figures what stands after the bar, the most important first
   */
  public synchronized void status(String before, double share, String... figures) {
    if (live) {
      status(fitting(before, share, List.of(figures)));
    }
  }

  private String fitting(String before, double share, List<String> figures) {
    String start = before.isEmpty() ? "" : before + " ";
    int room = width.getAsInt() - 1 - start.length();
    for (int count = figures.size(); count > 0; count--) {
      String end = "  " + String.join("  ", figures.subList(0, count));
      int bar = Math.min(BAR, room - end.length());
      if (bar == BAR || count == 1 && bar >= SHORTEST_BAR) {
        return start + bar(share, bar) + end;
      }
    }
    String rest = start + figures.getFirst();
    return rest.length() < width.getAsInt() ? rest : before;
  }

  /** Takes the status line away. */
  public synchronized void clear() {
    if (statusShown) {
      out.print(CLEAR_LINE);
      out.flush();
      statusShown = false;
    }
  }

  /**
   * A character that is as dark as a share is large.
   *
   * @param share from 0 to 1
   * @return the character
   */
  public String shade(double share) {
    String shades = unicode ? " ░▒▓█" : " .+*#";
    int shade = (int) Math.round(Math.clamp(share, 0.0, 1.0) * (shades.length() - 1));
    return shades.substring(shade, shade + 1);
  }

  /** A bar of some characters. */
  String bar(double share, int length) {
    int done = (int) Math.round(Math.clamp(share, 0.0, 1.0) * length);
    String full = (unicode ? "━" : "#").repeat(done);
    String rest = (unicode ? "─" : "-").repeat(length - done);
    return colored ? "\033[36m" + full + "\033[90m" + rest + "\033[0m" : full + rest;
  }
}

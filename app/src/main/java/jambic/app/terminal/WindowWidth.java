package jambic.app.terminal;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How many columns the window has that shows this process's terminal. Java does not say, nor does
 * it hear that a window has changed: {@code stty} is asked, and now and then again.
 */
final class WindowWidth implements IntSupplier {
  private static final int USUAL = 80;
  private static final Duration LASTING = Duration.ofSeconds(3);
  private static final Pattern SIZE = Pattern.compile("\\d+ ([1-9]\\d{0,4})\\s*");

  private volatile int columns;
  private long askedAt;

  @Override
  public int getAsInt() {
    long now = System.nanoTime();
    if (columns == 0) {
      columns = ask();
      askedAt = now;
    } else if (now - askedAt > LASTING.toNanos()) {
      askedAt = now;
      Thread.startVirtualThread(() -> columns = ask()); // training does not wait for it
    }
    return columns;
  }

  private static int ask() {
    return fromTerminal().orElseGet(() -> given(System.getenv("COLUMNS")).orElse(USUAL));
  }

  private static OptionalInt fromTerminal() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (var answer = stty.getInputStream()) {
        return columns(new String(answer.readAllBytes(), StandardCharsets.US_ASCII));
      }
    } catch (IOException noSuchToolOrTerminal) {
      return OptionalInt.empty();
    }
  }

  /** The second of the two numbers that {@code stty size} prints; a terminal may not know it. */
  static OptionalInt columns(String size) {
    Matcher numbers = SIZE.matcher(size);
    return numbers.matches()
        ? OptionalInt.of(Integer.parseInt(numbers.group(1)))
        : OptionalInt.empty();
  }

  private static OptionalInt given(String variable) {
    return variable == null ? OptionalInt.empty() : columns("0 " + variable);
  }
}

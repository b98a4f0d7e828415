package jambic.app.terminal;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import java.io.Console;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Keys as they are pressed, which are not shown. Java cannot ask a terminal for them: {@code stty}
 * does, and {@link #close} sets the terminal back, as does the end of the process.
 */
public final class Keyboard implements AutoCloseable {
  private static final int ESCAPE = 27;
  private static final int END_OF_INPUT = 4; // Ctrl-D
  private static final int DELETE = 127;
  private static final int ASKED_EVERY_MS = 20;

  /** What a key is. */
  public enum Kind {
    /** An arrow. */
    UP,
    /** An arrow. */
    DOWN,
    /** The end of a line. */
    ENTER,
    /** Takes back what was typed last. */
    BACKSPACE,
    /** A letter, a digit, a sign or the space. */
    CHARACTER,
    /** There will be no more. */
    END,
    /** Any other. */
    OTHER
  }

  /**
   * A key.
   *
   * @param kind what it is
   * @param character what it writes, if that is what it does
   */
  public record Key(Kind kind, char character) {
    /**
     * A key that writes nothing.
     *
     * @param kind what it is
     */
    public Key(Kind kind) {
      this(kind, '\0');
    }
  }

  private final InputStream in;
  private final BooleanSupplier stop;
  private final Runnable restoring;

  /**
   * Reads keys of a terminal that passes them on.
   *
   * @param in the bytes that it sends
   * @param stop whether to wait no longer
   * @param restoring sets the terminal back
   */
  public Keyboard(InputStream in, BooleanSupplier stop, Runnable restoring) {
    this.in = in;
    this.stop = stop;
    this.restoring = restoring;
  }

  /**
   * Opens the keyboard of this process's terminal.
   *
   * @param stop whether to wait no longer for a key
   * @return the keyboard; empty where there is no terminal, or none that can do this
   */
  public static Optional<Keyboard> open(BooleanSupplier stop) {
    Console console = System.console();
    if (console == null || !console.isTerminal() || "dumb".equals(System.getenv("TERM"))) {
      return Optional.empty();
    }
    return stty("-g")
        .map(String::strip)
        .filter(before -> !before.isEmpty())
        .flatMap(before -> {
          Runnable restoring = () -> stty(before);
          Thread atEnd = new Thread(restoring);
          Runtime.getRuntime().addShutdownHook(atEnd);
          return stty("-icanon", "-echo", "min", "1")
              .map(_ -> new Keyboard(System.in, stop, restoring));
        });
  }

  /** What it answers; empty if it cannot. */
  private static Optional<String> stty(String... arguments) {
    List<String> command = new ArrayList<>(List.of("stty"));
    command.addAll(Arrays.asList(arguments));
    try {
      Process stty =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (var answer = stty.getInputStream()) {
        String text = new String(answer.readAllBytes(), StandardCharsets.US_ASCII);
        return stty.waitFor() == 0 ? Optional.of(text) : Optional.empty();
      }
    } catch (IOException noSuchToolOrTerminal) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /**
   * Waits for a key.
   *
   * @return the key
   */
  public Key next() {
    try {
      while (in.available() == 0) {
        if (stop.getAsBoolean()) {
          return new Key(Kind.END);
        }
        Thread.sleep(ASKED_EVERY_MS);
      }
      int read = in.read();
      return switch (read) {
        case -1, END_OF_INPUT -> new Key(Kind.END);
        case '\r', '\n' -> new Key(Kind.ENTER);
        case DELETE, '\b' -> new Key(Kind.BACKSPACE);
        case ESCAPE -> new Key(sequence());
        default ->
            read < ' ' || read > DELETE // a part of a character beyond ASCII
                ? new Key(Kind.OTHER)
                : new Key(Kind.CHARACTER, (char) read);
      };
    } catch (IOException e) {
      throw new JambicException("cannot read the keyboard: " + ErrorText.reason(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new Key(Kind.END);
    }
  }

  /** What an escape sequence means: ESC [ A or ESC O A is an arrow, a lone ESC is nothing. */
  private Kind sequence() throws IOException {
    if (in.available() == 0) {
      return Kind.OTHER;
    }
    int read = in.read();
    if (read != '[' && read != 'O') {
      return Kind.OTHER;
    }
    do {
      read = in.read();
    } while (read >= '0' && read <= ';'); // numbers before the letter that ends it
    return switch (read) {
      case 'A' -> Kind.UP;
      case 'B' -> Kind.DOWN;
      default -> Kind.OTHER;
    };
  }

  /** Sets the terminal back. */
  @Override
  public void close() {
    restoring.run();
  }
}

package jambic.app.cli;

import jambic.app.terminal.Terminal;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.Utf8Reader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Copies of texts that come only once, from standard input or a pipe, for those who read twice.
 * They are gone when it is closed, or the process ends.
 */
public final class ReplayableInput implements AutoCloseable {
  private static final String STANDARD_INPUT = "-";

  private final Path folder;
  private final Terminal terminal;
  private final List<Path> copies = new ArrayList<>();

  /**
   * A spool.
   *
   * @param near where there is room: the copies lie in the nearest folder around it that exists
   * @param terminal is shown how much has come
   */
  public ReplayableInput(Path near, Terminal terminal) {
    Path around = near.toAbsolutePath().normalize().getParent();
    while (around != null && !Files.isDirectory(around)) {
      around = around.getParent();
    }
    this.folder = around == null ? Path.of("") : around;
    this.terminal = terminal;
  }

  /** How errors name a text. */
  public static String name(Path file) {
    return isStandardInput(file) ? "standard input" : file.toString();
  }

  public static boolean isStandardInput(Path file) {
    return file.toString().equals(STANDARD_INPUT);
  }

  /** The file itself if it can be read again or not at all, else a copy of all that it gives. */
  public Path lasting(Path file) {
    boolean once = Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
    return once || isStandardInput(file) ? copy(file) : file;
  }

  private Path copy(Path file) {
    try {
      Path copy = Files.createTempFile(folder, ".prepare-", ".txt");
      copies.add(copy);
      copy.toFile().deleteOnExit();
      terminal.status("reading " + name(file));
      try (Writer writer = Files.newBufferedWriter(copy)) {
        long[] characters = {0};
        Consumer<String> keep =
            part -> {
              characters[0] += part.length();
              terminal.status(
                  Text.format("reading %s  %,d MB", name(file), characters[0] / 1_000_000));
              try {
                writer.write(part);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            };
        if (isStandardInput(file)) {
          Utf8Reader.read(System.in, name(file), keep);
        } else {
          Utf8Reader.read(List.of(file), keep);
        }
      }
      return copy;
    } catch (IOException e) {
      throw unkept(file, e);
    } catch (UncheckedIOException e) {
      throw unkept(file, e.getCause());
    }
  }

  private JambicException unkept(Path file, IOException e) {
    return new JambicException(
        Text.format(
            "cannot keep a copy of %s in %s, to read it twice: %s",
            name(file), folder, ErrorText.reason(e)),
        e);
  }

  @Override
  public void close() throws IOException {
    for (Path copy : copies) {
      Files.deleteIfExists(copy);
    }
  }
}

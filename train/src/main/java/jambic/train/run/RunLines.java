package jambic.train.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Files in a run's folder that grow by lines of JSON, each with the iteration {@code iter} that it
 * is of.
 */
public final class RunLines {
  static final String ITER = "iter";

  private RunLines() {}

  /**
   * Continues a file from an iteration, as if the lines at and after it had never been written. The
   * model does not need them: damaged lines are left out, and the file as it was is kept beside.
   *
   * @param file the file; need not exist
   * @param iter the iteration at which the run continues; lines of it and later ones are dropped
   * @param notices hears what was left out, and where it is
   * @throws JambicException if the file cannot be read or written
   */
  public static void resume(Path file, int iter, Consumer<String> notices) {
    if (!Files.exists(file)) {
      return;
    }
    try {
      StringBuilder kept = new StringBuilder();
      int damaged = 0;
      for (String line : whole(file)) {
        OptionalInt of = iteration(line);
        if (of.isEmpty()) {
          damaged++;
        } else if (of.getAsInt() < iter) {
          kept.append(line).append('\n');
        }
      }
      if (damaged > 0) {
        notices.accept(
            Text.format(
                "%s had %s; the run goes on with the others, and the file as it was is %s",
                file, ErrorText.count(damaged, "damaged line"), setAside(file)));
      }
      byte[] bytes = kept.toString().getBytes(StandardCharsets.ISO_8859_1);
      AtomicFile.write(file, out -> out.write(bytes));
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot continue %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  /** The lines that end, a byte to a character: so no byte is malformed, and none gets lost. */
  static List<String> whole(Path file) throws IOException {
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private static OptionalInt iteration(String line) {
    try {
      return JSON.std.anyFrom(line) instanceof Map<?, ?> fields
              && fields.get(ITER) instanceof Integer iter
              && iter >= 0
          ? OptionalInt.of(iter)
          : OptionalInt.empty();
    } catch (IOException e) {
      return OptionalInt.empty();
    }
  }

  private static Path setAside(Path file) throws IOException {
    for (int number = 1; ; number++) {
      Path aside = file.resolveSibling(file.getFileName() + ".damaged-" + number);
      try {
        return Files.copy(file, aside);
      } catch (FileAlreadyExistsException e) {
        // The next number, then.
      }
    }
  }
}

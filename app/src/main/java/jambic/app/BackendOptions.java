package jambic.app;

import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.BackendProvider;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Where to compute. */
final class BackendOptions {
  static final String AUTO = "auto";

  private static final int MAX_THREADS = 1024; // more than any machine has processors for

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = {
        "Where to compute: auto, cpu, cuda or reference.",
        "Default: the best that works here."
      })
  private Optional<String> given = Optional.empty();

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads to use. Default: all processors.")
  private Optional<Integer> threads = Optional.empty();

  /** Opens the backend, with a warning where it is the slow one. */
  Backend open(CommandLine command) {
    return open(command, AUTO);
  }

  /**
   * The same with another choice where the user makes none: a resumed run's own backend, because
   * another one rounds in another way.
   */
  Backend open(CommandLine command, String otherwise) {
    String name = given.orElse(otherwise);
    List<String> names = Backends.providers().stream().map(BackendProvider::name).toList();
    if (!name.equals(AUTO) && !names.contains(name)) {
      throw new ParameterException(
          command,
          "there is no backend %s; choose %s or %s"
              .formatted(name, AUTO, String.join(", ", names)));
    }
    int count = threads.orElse(Runtime.getRuntime().availableProcessors());
    if (count < 1 || count > MAX_THREADS) {
      throw new ParameterException(
          command, "--threads must be from 1 to %d, not %d".formatted(MAX_THREADS, count));
    }
    Backend backend = Backends.open(name, count);
    if (backend.name().equals("reference")) {
      PrintWriter err = command.getErr();
      err.println(
          "jambic: computing on the reference backend, which is slow; 'jambic doctor' says what is"
              + " missing");
    }
    return backend;
  }
}

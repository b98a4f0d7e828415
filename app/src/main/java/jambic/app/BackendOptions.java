package jambic.app;

import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Option;

/** Where to compute. */
final class BackendOptions {
  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = {
        "Where to compute: auto, cpu, cuda or reference.",
        "Default: the best that works here."
      })
  private String backend;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "CPU threads to use. Default: all processors.")
  private Optional<Integer> threads;

  /** Opens the backend, with a warning where it is the slow one. */
  Backend open(Consumer<String> warning) {
    Backend opened =
        Backends.open(backend, threads.orElse(Runtime.getRuntime().availableProcessors()));
    if (opened.name().equals("reference")) {
      warning.accept(
          "computing on the reference backend, which is slow; 'jambic doctor' says what is"
              + " missing");
    }
    return opened;
  }
}

package jambic.app.serve;

import jambic.serve.model.EngineOptions;
import jambic.tensor.JambicException;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How much is computed at a time. */
public final class EngineFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "16",
      description = "Texts that each model writes at a time. Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      description =
          "Tokens of which each model keeps keys and values, of all texts together. Default: a whole"
              + " context for each text, as far as 1 GiB holds that.")
  private Optional<Integer> cacheTokens = Optional.empty();

  @Option(
      names = "--queue",
      paramLabel = "N",
      defaultValue = "256",
      description =
          "Texts that may wait for each model; more are refused (429). Default: ${DEFAULT-VALUE}.")
  private int queue;

  /** For the command line. */
  public EngineFlags() {}

  EngineOptions options() {
    try {
      OptionalInt tokens = cacheTokens.map(OptionalInt::of).orElseGet(OptionalInt::empty);
      return new EngineOptions(batch, tokens, queue);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }
}

package jambic.app.cli;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.spi.Backend;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The model that a command is about, and where that computes. */
public final class ModelArgument {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelOptions.HELP)
  private Optional<Path> argument = Optional.empty();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description = "The same, by an option.")
  private Optional<Path> option = Optional.empty();

  @Mixin private ModelOptions models;
  @Mixin private BackendOptions computing;

  /** The model as it was typed. */
  public Path named() {
    if (argument.isPresent() && option.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "MODEL and --model exclude each other; give one of them");
    }
    return argument
        .or(() -> option)
        .orElseThrow(
            () -> new ParameterException(spec.commandLine(), UsageErrors.missing("MODEL", spec)));
  }

  /** Its folder, after it was fetched where that is needed. */
  public Path folder() {
    return models.checkpoint(named(), spec.commandLine());
  }

  /** Where it computes, to be closed. */
  public Backend backend() {
    return computing.open(spec.commandLine());
  }

  /** Its files, to be closed. */
  public Checkpoint<GptConfig, Gpt> checkpoint() {
    return checkpoint(folder());
  }

  /** The same of its folder. */
  public Checkpoint<GptConfig, Gpt> checkpoint(Path folder) {
    return Checkpoint.open(Gpt.FORMAT, folder, models.bases(spec.commandLine()));
  }
}

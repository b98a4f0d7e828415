package jambic.app.cli;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.translator.Translator;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
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

  /** Refuses what translates or judges where a model is needed that goes on with a text. */
  public static void requireLanguageModel(Path folder) {
    if (GptClassifier.isIn(folder)) {
      boolean scores = GptClassifier.FORMAT.readConfig(folder).isScore();
      throw new JambicException(
          Text.format(
              scores
                  ? "%s holds a reward model, and this needs a GPT; 'jambic ppo --reward' learns from its scores"
                  : "%s holds a classifier, and this needs a GPT; 'jambic classify' lets it tell labels",
              folder));
    }
    if (Translator.isIn(folder)) {
      throw new JambicException(
          Text.format(
              "%s holds a translator, and this needs a GPT; 'jambic translate' lets it translate",
              folder));
    }
  }

  /** The folder of a model that translates. */
  public Path translator() {
    Path folder = folder();
    if (!Translator.isIn(folder) && isGpt(folder)) {
      throw new JambicException(
          Text.format(
              "%s holds a GPT, which does not translate; 'jambic sample' lets it write", folder));
    }
    return folder;
  }

  private boolean isGpt(Path folder) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = checkpoint(folder)) {
      return checkpoint.config().vocabSize() > 0;
    } catch (JambicException e) {
      return false; // opening it as a translator says what it is
    }
  }

  /** Its files, to be closed. */
  public Checkpoint<GptConfig, Gpt> checkpoint() {
    return checkpoint(folder());
  }

  /** The same of its folder. */
  public Checkpoint<GptConfig, Gpt> checkpoint(Path folder) {
    requireLanguageModel(folder);
    return Checkpoint.open(Gpt.FORMAT, folder, models.bases(spec.commandLine()));
  }
}

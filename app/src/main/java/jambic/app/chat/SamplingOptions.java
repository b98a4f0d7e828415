package jambic.app.chat;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.GenerationConfig;
import jambic.model.generate.SamplingParams;
import jambic.tensor.JambicException;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How a model that writes chooses its tokens: what options say, else its files, else defaults. */
public final class SamplingOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "The most tokens of each. Default: 500.")
  private Optional<Integer> maxNewTokens = Optional.empty();

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "Below 1 for likelier text, above for wilder. Default: 0.8.")
  private Optional<Float> temperature = Optional.empty();

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Choose among the K likeliest tokens, 0: all. Default: 200.")
  private Optional<Integer> topK = Optional.empty();

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Choose among the likeliest tokens that together reach the probability P. Default: 1.")
  private Optional<Float> topP = Optional.empty();

  @Option(
      names = "--greedy",
      description = "Always the likeliest token; the three options above and the seed do nothing.")
  private boolean greedy;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description = "Above 1 to repeat less, as in CTRL. Default: 1.")
  private Optional<Float> repetitionPenalty = Optional.empty();

  @Option(
      names = "--ignore-generation-config",
      description = {
        "Take the defaults above where the model's generation_config.json says otherwise: its",
        "temperature, top_k, top_p, repetition_penalty, max_new_tokens, max_length and do_sample",
        "(false: --greedy) count where no option is given, and what cannot be obeyed is refused."
      })
  private boolean ignoreGenerationConfig;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1337",
      description =
          "Makes the texts these and no others; text i has seed N + i. Default: ${DEFAULT-VALUE}.")
  private long seed;

  /** For the command line. */
  public SamplingOptions() {}

  /** Refuses values that no model can be sampled with. */
  public void check() {
    if (maxNewTokens.isPresent() && maxNewTokens.get() < 1) {
      throw new ParameterException(
          spec.commandLine(), "--max-new-tokens must be at least 1, not " + maxNewTokens.get());
    }
    try {
      params(GenerationConfig.NONE, 0);
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  /**
   * Reads what a model's files say.
   *
   * @param checkpoint the model's
   * @return what counts where no option is given
   * @throws JambicException if it cannot be obeyed
   */
  public GenerationConfig generation(Checkpoint<?, ?> checkpoint) {
    GenerationConfig generation = checkpoint.generation();
    if (ignoreGenerationConfig) {
      generation = generation.withoutFile();
    }
    try {
      generation.requireSupported();
    } catch (JambicException e) {
      throw new JambicException(
          e.getMessage() + " (--ignore-generation-config samples without that file)", e);
    }
    return generation;
  }

  /**
   * Tells how each token is chosen.
   *
   * @param generation what the model's files say
   * @param number of the text, from 0
   * @return the parameters
   */
  public SamplingParams params(GenerationConfig generation, int number) {
    float penalty = repetitionPenalty.orElseGet(generation::repetitionPenalty);
    boolean drawing = temperature.isPresent() || topK.isPresent() || topP.isPresent();
    if (greedy || !drawing && !generation.doSample().orElse(true)) {
      return SamplingParams.GREEDY.withRepetitionPenalty(penalty);
    }
    return new SamplingParams(
        temperature.or(generation::temperature).orElse(0.8f),
        topK.or(generation::topK).orElse(200),
        topP.or(generation::topP).orElse(1f),
        penalty,
        seed + number);
  }

  /**
   * Tells how many tokens a text has at most.
   *
   * @param generation what the model's files say
   * @param promptLength how many stand before
   * @return how many may be added
   */
  public int maxNewTokens(GenerationConfig generation, int promptLength) {
    return maxNewTokens.or(() -> generation.maxNewTokens(promptLength)).orElse(500);
  }

  /**
   * Returns the seed of the first text.
   *
   * @return the seed
   */
  public long seed() {
    return seed;
  }
}

package jambic.model.gpt;

import jambic.tensor.Activation;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The published models of the GPT-2 and GPT-3 families, by the names under which they are known.
 *
 * <p>GPT-2's shapes are those of its released weights. GPT-3's are table 2.1 of "Language Models
 * are Few-Shot Learners" (Brown et al., 2020, arXiv:2005.14165), with the batch, the learning rate
 * and the 300 billion tokens that it gives. Of these GPT-2's paper gives the batch alone, 512
 * windows; its rows take all three from the GPT-3 of the same size, as nanoGPT does for {@code
 * gpt2}.
 *
 * <p>Two rows of the table contradict their own head size of 128: {@code gpt3-xl} prints 24 heads
 * for a width of 2048 and {@code gpt3-13b} a width of 5140 for 40 heads. Here they have 16 heads
 * and a width of 5120.
 */
public enum PublishedGpt {
  /** 124 million parameters. */
  GPT2("gpt2", 1024, 12, 12, 768, 500_000, 6e-4),
  /** 355 million parameters. */
  GPT2_MEDIUM("gpt2-medium", 1024, 24, 16, 1024, 500_000, 3e-4),
  /** 774 million parameters. */
  GPT2_LARGE("gpt2-large", 1024, 36, 20, 1280, 500_000, 2.5e-4),
  /** 1.56 billion parameters. */
  GPT2_XL("gpt2-xl", 1024, 48, 25, 1600, 1_000_000, 2e-4),
  /** 125 million parameters. */
  GPT3_SMALL("gpt3-small", 2048, 12, 12, 768, 500_000, 6e-4),
  /** 350 million parameters. */
  GPT3_MEDIUM("gpt3-medium", 2048, 24, 16, 1024, 500_000, 3e-4),
  /** 760 million parameters. */
  GPT3_LARGE("gpt3-large", 2048, 24, 16, 1536, 500_000, 2.5e-4),
  /** 1.3 billion parameters. */
  GPT3_XL("gpt3-xl", 2048, 24, 16, 2048, 1_000_000, 2e-4),
  /** 2.7 billion parameters. */
  GPT3_2_7B("gpt3-2.7b", 2048, 32, 32, 2560, 1_000_000, 1.6e-4),
  /** 6.7 billion parameters. */
  GPT3_6_7B("gpt3-6.7b", 2048, 32, 32, 4096, 2_000_000, 1.2e-4),
  /** 13 billion parameters. */
  GPT3_13B("gpt3-13b", 2048, 40, 40, 5120, 2_000_000, 1e-4),
  /** 175 billion parameters: GPT-3 itself. */
  GPT3_175B("gpt3-175b", 2048, 96, 96, 12_288, 3_200_000, 0.6e-4);

  /** The number of token ids of GPT-2's byte-pair encoding, which GPT-3 shares. */
  public static final int VOCAB_SIZE = 50_257;

  /** The tokens that each GPT-3 was trained on. */
  public static final long TOKENS = 300_000_000_000L;

  private final String modelName;
  private final GptConfig config;
  private final long batchTokens;
  private final double learningRate;

  PublishedGpt(
      String modelName,
      int blockSize,
      int nLayer,
      int nHead,
      int nEmbd,
      long batchTokens,
      double learningRate) {
    this.modelName = modelName;
    this.batchTokens = batchTokens;
    this.learningRate = learningRate;
    config =
        new GptConfig(
            VOCAB_SIZE,
            blockSize,
            nLayer,
            nHead,
            nEmbd,
            /* dropout= */ 0,
            /* embeddingDropout= */ 0,
            Activation.GELU_TANH,
            /* bias= */ true,
            /* qkvBias= */ true,
            /* tiedHead= */ true,
            /* headBias= */ false,
            GptConfig.DEFAULT_NORM_EPS);
  }

  /**
   * The name by which the model is known, for example {@code gpt2-xl} or {@code gpt3-6.7b}.
   *
   * @return the name
   */
  public String modelName() {
    return modelName;
  }

  /**
   * The model's shape, without dropout.
   *
   * @return the config
   */
  public GptConfig config() {
    return config;
  }

  /**
   * The tokens behind one update, as the table rounds them.
   *
   * @return the batch size in tokens
   */
  public long batchTokens() {
    return batchTokens;
  }

  /**
   * The peak learning rate of its training.
   *
   * @return the rate
   */
  public double learningRate() {
    return learningRate;
  }

  /**
   * Where the model departs from what its paper prints.
   *
   * @return one clause, or empty where it does not
   */
  public Optional<String> note() {
    return switch (this) {
      case GPT2, GPT2_MEDIUM, GPT2_LARGE, GPT2_XL ->
          Optional.of(
              "batch, learning rate and tokens are of the GPT-3 of its size; GPT-2's are not published but for batches of 512 windows");
      case GPT3_XL ->
          Optional.of("table 2.1 prints 24 heads, which do not divide the width of 2048");
      case GPT3_13B ->
          Optional.of("table 2.1 prints a width of 5140, which 40 heads do not divide");
      default -> Optional.empty();
    };
  }

  /**
   * Finds a model.
   *
   * @param name its {@link #modelName}, in upper or lower case
   * @return the model, or empty if none has that name
   */
  public static Optional<PublishedGpt> named(String name) {
    String wanted = name.toLowerCase(Locale.ROOT);
    return Arrays.stream(values()).filter(model -> model.modelName.equals(wanted)).findFirst();
  }

  /**
   * The names of all models, the smaller of a family first.
   *
   * @return the names
   */
  public static List<String> names() {
    return Arrays.stream(values()).map(PublishedGpt::modelName).toList();
  }
}

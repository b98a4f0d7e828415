package jambic.bench;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.plan.ModelFlops;
import java.util.Map;

/**
 * The models that are measured whole, as {@code bench/peers/torch_gpt.py} has them.
 *
 * @param config batch, context and optimizer
 * @param gpt the model
 */
record Models(TrainConfig config, GptConfig gpt) {
  private static final int CHARACTERS = 65; // of tiny Shakespeare
  private static final int GPT2_TOKENS = 50257;
  private static final int GPT2_POSITIONS = 1024;

  /** A preset of the application, or {@code gpt2-124m}: GPT-2 on batches of 4 x 64 tokens. */
  static Models named(String name) {
    if (name.equals("gpt2-124m")) {
      TrainConfig config = Preset.SHAKESPEARE_CHAR.config().withAll(gpt2());
      return new Models(config, config.gpt(GPT2_TOKENS).withBlockSize(GPT2_POSITIONS));
    }
    TrainConfig config = Preset.named(name).config();
    return new Models(config, config.gpt(CHARACTERS));
  }

  /** The model with random weights, held in {@code fp32} or {@code int8}. */
  Gpt random(Backend backend, String weights) {
    Gpt whole = new Gpt(backend, gpt, config.init());
    if (!weights.equals("int8")) {
      return whole;
    }
    try (whole) {
      return whole.quantized();
    }
  }

  /** The memory of all weights, held in {@code fp32} or {@code int8}. */
  long bytes(String weights) {
    long all = gpt.parameterCount();
    if (!weights.equals("int8")) {
      return Float.BYTES * all;
    }
    long width = gpt.nEmbd();
    long matrices = 12 * gpt.nLayer() * width * width + gpt.vocabSize() * width;
    long rows = 9 * gpt.nLayer() * width + gpt.vocabSize(); // each has a scale
    return matrices + Float.BYTES * (all - matrices + rows);
  }

  /** Floating-point operations of one step, as nanoGPT counts them for its utilization. */
  double stepFlops() {
    long positions = (long) gpt.blockSize() * gpt.nEmbd();
    return config.tokensPerIter()
        * ModelFlops.perToken(
            gpt.parameterCount() - positions,
            gpt.nLayer(),
            gpt.nEmbd(),
            config.model().blockSize());
  }

  private static Map<String, Object> gpt2() {
    return Map.of(
        "nLayer",
        12,
        "nHead",
        12,
        "nEmbd",
        768,
        "blockSize",
        64,
        "batchSize",
        4,
        "dropout",
        0.0,
        "bias",
        true,
        "qkvBias",
        true,
        "beta2",
        0.95,
        "learningRate",
        6e-4);
  }
}

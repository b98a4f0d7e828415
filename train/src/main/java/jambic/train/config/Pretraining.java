package jambic.train.config;

import jambic.model.gpt.GptConfig;
import jambic.model.gpt.PublishedGpt;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The training from scratch of a published GPT. Batch, learning rate and number of tokens are the
 * {@link PublishedGpt}'s; all else is what the GPT-3 paper's appendix B says: AdamW with betas 0.9
 * and 0.95 and a decay of 0.1, clipping at 1, warm-up over 375 million tokens, a cosine down to a
 * tenth of the rate at 260 billion.
 */
public final class Pretraining {
  private static final int MICRO_BATCH = 4; // sequences; what a machine takes at once is its affair
  private static final double WARMUP_TOKENS = 375e6;
  private static final double DECAY_TOKENS = 260e9;

  private Pretraining() {}

  /**
   * The run that trains a published model.
   *
   * @param family which
   * @return the hyperparameters, with micro batches of 4 sequences and as many of them as make up
   *     the published batch
   */
  public static TrainConfig of(PublishedGpt family) {
    GptConfig model = family.config();
    long micro = (long) MICRO_BATCH * model.blockSize();
    long steps = Math.round((double) family.batchTokens() / micro);
    double tokens = (double) steps * micro;
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("nLayer", model.nLayer());
    values.put("nHead", model.nHead());
    values.put("nEmbd", model.nEmbd());
    values.put("blockSize", model.blockSize());
    values.put("dropout", 0);
    values.put("activation", "gelu-tanh");
    values.put("bias", model.bias());
    values.put("qkvBias", model.qkvBias());
    values.put("batchSize", MICRO_BATCH);
    values.put("gradientAccumulationSteps", steps);
    values.put("maxIters", Math.round(PublishedGpt.TOKENS / tokens));
    values.put("learningRate", family.learningRate());
    values.put("minLr", family.learningRate() / 10);
    values.put("warmupIters", Math.round(WARMUP_TOKENS / tokens));
    values.put("lrDecayIters", Math.round(DECAY_TOKENS / tokens));
    values.put("beta2", 0.95);
    return Preset.SHAKESPEARE_CHAR.config().withAll(values);
  }
}

package jambic.train.plan;

import jambic.model.gpt.GptConfig;

/**
 * Where a GPT's parameters are, as nanoGPT's {@code transformer_sizing} counts them. Biases count
 * with the layer that they belong to.
 *
 * @param positions the position table
 * @param tokens the token table
 * @param nLayer blocks
 * @param blockNorms both layer norms of a block
 * @param qkv the queries, keys and values of a block
 * @param attentionProjection the projection behind a block's attention
 * @param fc the MLP's first layer in a block
 * @param mlpProjection the MLP's second layer in a block
 * @param finalNorm the last layer norm
 * @param head the head: nothing but a bias where it shares the token table
 */
public record ParameterCount(
    long positions,
    long tokens,
    int nLayer,
    long blockNorms,
    long qkv,
    long attentionProjection,
    long fc,
    long mlpProjection,
    long finalNorm,
    long head) {

  /**
   * Counts a model's parameters.
   *
   * @param config its shape
   * @return the counts
   */
  public static ParameterCount of(GptConfig config) {
    long width = config.nEmbd();
    long vocabulary = config.vocabSize();
    long bias = config.bias() ? 1 : 0;
    long inner = config.nInner();
    long norm = width * (1 + bias);
    return new ParameterCount(
        config.blockSize() * width,
        vocabulary * width,
        config.nLayer(),
        2 * norm,
        3 * width * width + (config.qkvBias() ? 3 * width : 0),
        width * width + bias * width,
        inner * width + bias * inner,
        inner * width + bias * width,
        norm,
        (config.tiedHead() ? 0 : vocabulary * width) + (config.headBias() ? vocabulary : 0));
  }

  /**
   * The parameters of one block.
   *
   * @return the count
   */
  public long block() {
    return blockNorms + qkv + attentionProjection + fc + mlpProjection;
  }

  /**
   * All of them, a tied head counted once.
   *
   * @return the count
   */
  public long total() {
    return positions + withoutPositions();
  }

  /**
   * All but the position table: the N of nanoGPT and of the formulas of scaling.
   *
   * @return the count
   */
  public long withoutPositions() {
    return tokens + nLayer * block() + finalNorm + head;
  }
}

package jambic.model.translator;

import jambic.model.nn.AttentionWeights;

/**
 * How much each target token of a sentence attends to each source token in one cross-attention
 * layer. Attention kernels do not store these weights, so they are computed again here.
 *
 * @param heads number of heads, H
 * @param targets number of target tokens, T
 * @param sources number of source tokens, S
 * @param values (H, T, S): the S weights of a head and a target token add up to 1
 */
record CrossAttentionWeights(int heads, int targets, int sources, float[] values) {
  /**
   * Computes softmax(QK'/sqrt(C/H)) for each head.
   *
   * @param queries (T, C)
   * @param keysAndValues (S, 2C): in each row the key, then the value
   * @param heads H, a divisor of C
   * @param targets T
   * @param sources S
   * @return the weights
   */
  static CrossAttentionWeights of(
      float[] queries, float[] keysAndValues, int heads, int targets, int sources) {
    return new CrossAttentionWeights(
        heads,
        targets,
        sources,
        AttentionWeights.cross(queries, keysAndValues, heads, targets, sources).values());
  }

  /** Returns the mean over the heads of how much a target token attends to a source token. */
  double mean(int target, int source) {
    double sum = 0;
    for (int h = 0; h < heads; h++) {
      sum += values[(h * targets + target) * sources + source];
    }
    return sum / heads;
  }
}

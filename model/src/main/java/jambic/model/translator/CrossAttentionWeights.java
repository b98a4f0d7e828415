package jambic.model.translator;

/**
 * The weights of a cross-attention layer for one sentence, which no kernel keeps.
 *
 * @param heads H
 * @param targets T
 * @param sources S
 * @param values (H, T, S), row by row: each row adds up to 1
 */
record CrossAttentionWeights(int heads, int targets, int sources, float[] values) {
  /**
   * Computes them.
   *
   * @param queries (T, C)
   * @param keysAndValues (S, 2C), a key in front of its value
   * @param heads H, a divisor of C
   * @param targets T
   * @param sources S
   * @return the softmax of the scaled products, head by head
   */
  static CrossAttentionWeights of(
      float[] queries, float[] keysAndValues, int heads, int targets, int sources) {
    int width = queries.length / targets;
    int size = width / heads;
    double scale = 1 / Math.sqrt(size);
    float[] values = new float[heads * targets * sources];
    double[] row = new double[sources];
    for (int h = 0; h < heads; h++) {
      for (int t = 0; t < targets; t++) {
        double most = Double.NEGATIVE_INFINITY;
        for (int s = 0; s < sources; s++) {
          double product = 0;
          for (int i = h * size; i < (h + 1) * size; i++) {
            product += (double) queries[t * width + i] * keysAndValues[2 * s * width + i];
          }
          row[s] = product * scale;
          most = Math.max(most, row[s]);
        }
        double sum = 0;
        for (int s = 0; s < sources; s++) {
          row[s] = Math.exp(row[s] - most);
          sum += row[s];
        }
        for (int s = 0; s < sources; s++) {
          values[(h * targets + t) * sources + s] = (float) (row[s] / sum);
        }
      }
    }
    return new CrossAttentionWeights(heads, targets, sources, values);
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

package jambic.model.nn;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * How much tokens attend to tokens in one layer, computed on the host: attention kernels do not
 * store it.
 *
 * @param heads number of heads, H
 * @param targets number of tokens that attend, T
 * @param sources number of tokens that they attend to, S
 * @param values (H, T, S): the S weights of a head and a token add up to 1
 */
public record AttentionWeights(int heads, int targets, int sources, float[] values) {
  /**
   * Computes the weights of causal self-attention: softmax(scale QK') where a token sees none
   * behind it.
   *
   * @param qkv (T, 3C): in each row the query, then the key, then the value
   * @param heads H, a divisor of C
   * @param tokens T
   * @param scale what the products of queries and keys are multiplied by
   * @return the weights
   * @throws JambicException if they are more than an array holds
   */
  public static AttentionWeights causal(float[] qkv, int heads, int tokens, double scale) {
    int width = qkv.length / tokens / 3;
    AttentionWeights weights = empty(heads, tokens, tokens);
    for (int t = 0; t < tokens; t++) {
      weights.fill(qkv, 3 * t * width, t, qkv, width, 3 * width, width, t + 1, scale);
    }
    return weights;
  }

  /**
   * Computes the weights of attention to another sequence: softmax(QK'/sqrt(C/H)).
   *
   * @param queries (T, C)
   * @param keysAndValues (S, 2C): in each row the key, then the value
   * @param heads H, a divisor of C
   * @param targets T
   * @param sources S
   * @return the weights
   * @throws JambicException if they are more than an array holds
   */
  public static AttentionWeights cross(
      float[] queries, float[] keysAndValues, int heads, int targets, int sources) {
    int width = queries.length / targets;
    double scale = 1 / Math.sqrt((double) width / heads);
    AttentionWeights weights = empty(heads, targets, sources);
    for (int t = 0; t < targets; t++) {
      weights.fill(queries, t * width, t, keysAndValues, 0, 2 * width, width, sources, scale);
    }
    return weights;
  }

  private static AttentionWeights empty(int heads, int targets, int sources) {
    long count = (long) heads * targets * sources;
    if (count > Integer.MAX_VALUE - 8) {
      throw new JambicException(
          Text.format(
              "the attention of %d tokens to %d in %d heads is more than an array holds; give fewer tokens",
              targets, sources, heads));
    }
    return new AttentionWeights(heads, targets, sources, new float[(int) count]);
  }

  /**
   * The weight of a head.
   *
   * @param head which, from 0
   * @param target the token that attends, from 0
   * @param source the token that it attends to, from 0
   * @return from 0 to 1
   */
  public float get(int head, int target, int source) {
    return values[(head * targets + target) * sources + source];
  }

  /** Computes the weights of one token: what it does not see keeps 0. */
  private void fill(
      float[] queries,
      int query,
      int target,
      float[] keys,
      int firstKey,
      int keyStride,
      int width,
      int seen,
      double scale) {
    int size = width / heads;
    double[] row = new double[seen];
    for (int h = 0; h < heads; h++) {
      double most = Double.NEGATIVE_INFINITY;
      for (int s = 0; s < seen; s++) {
        int key = firstKey + s * keyStride;
        double product = 0;
        for (int i = h * size; i < (h + 1) * size; i++) {
          product += (double) queries[query + i] * keys[key + i];
        }
        row[s] = product * scale;
        most = Math.max(most, row[s]);
      }
      double sum = 0;
      for (int s = 0; s < seen; s++) {
        row[s] = Math.exp(row[s] - most);
        sum += row[s];
      }
      for (int s = 0; s < seen; s++) {
        values[(h * targets + target) * sources + s] = (float) (row[s] / sum);
      }
    }
  }
}

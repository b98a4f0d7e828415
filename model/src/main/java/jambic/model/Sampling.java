package jambic.model;

import jambic.tensor.JambicException;

/**
 * How a next token is chosen from its scores.
 *
 * @param temperature what scores are divided by; 0 takes the best token always
 * @param topK only the K best tokens are candidates; 0 for all
 * @param topP only the fewest best tokens whose probabilities reach P together are candidates
 *     (nucleus sampling, Holtzman et al., 2020); 1 for all
 * @param seed of the random choice; sequences of a batch draw independently
 */
public record Sampling(float temperature, int topK, float topP, long seed) {
  /** Always the best token. */
  public static final Sampling GREEDY = new Sampling(0, 0, 1, 0);

  /**
   * Checks the values.
   *
   * @throws JambicException if one is out of its range
   */
  public Sampling {
    if (!(temperature >= 0 && temperature < Float.POSITIVE_INFINITY)) {
      throw new JambicException("temperature must be 0 or more and finite, got " + temperature);
    }
    if (topK < 0) {
      throw new JambicException("top-k must be 0 (all tokens) or more, got " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new JambicException("top-p must be above 0 and at most 1, got " + topP);
    }
  }

  /**
   * Plain sampling at temperature 1, as in the lecture.
   *
   * @param seed of the random choice
   * @return all tokens, as probable as the model says
   */
  public static Sampling plain(long seed) {
    return new Sampling(1, 0, 1, seed);
  }
}

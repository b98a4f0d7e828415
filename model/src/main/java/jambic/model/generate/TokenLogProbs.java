package jambic.model.generate;

import java.util.ArrayList;
import java.util.List;

/**
 * Natural logarithms of the probabilities that the model gave at one position: its softmax, before
 * temperature, penalties, biases, top-k and top-p.
 *
 * @param chosen of the token that was chosen, or of the prompt's
 * @param top of the likeliest tokens, the likeliest first
 */
public record TokenLogProbs(double chosen, List<Candidate> top) {
  /**
   * One of the likeliest tokens.
   *
   * @param id its id
   * @param logProb the logarithm of its probability
   */
  public record Candidate(int id, double logProb) {}

  /**
   * Of {@code vocabSize} scores from {@code offset}; of equals the lower token comes first.
   *
   * @throws jambic.tensor.JambicException if the scores are no distribution
   */
  static TokenLogProbs of(float[] scores, int offset, int vocabSize, int chosen, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabSize; i++) {
      max = Math.max(max, scores[offset + i]);
    }
    double sum = 0;
    for (int i = 0; i < vocabSize; i++) {
      sum += Math.exp((double) scores[offset + i] - max);
    }
    double lse = max + Math.log(sum);
    if (!Double.isFinite(lse)) {
      throw Sampler.notFinite();
    }
    List<Candidate> top = new ArrayList<>();
    for (int i = 0; i < vocabSize && count > 0; i++) {
      double logProb = scores[offset + i] - lse;
      if (top.size() == count && logProb <= top.getLast().logProb) {
        continue;
      }
      int at = top.size();
      while (at > 0 && top.get(at - 1).logProb < logProb) {
        at--;
      }
      top.add(at, new Candidate(i, logProb));
      if (top.size() > count) {
        top.removeLast();
      }
    }
    return new TokenLogProbs(scores[offset + chosen] - lse, List.copyOf(top));
  }
}

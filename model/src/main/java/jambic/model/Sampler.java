package jambic.model;

import jambic.tensor.Philox;
import java.util.Arrays;
import java.util.BitSet;

/** Chooses next tokens for one sequence. */
final class Sampler {
  private final Sampling sampling;
  private final Philox random;
  private final BitSet seen = new BitSet(); // tokens to penalize
  private final double[] probabilities;
  private final long[] ranked; // (probability's bits, token) of the candidates, packed to sort

  /** Chooses among the first {@code vocabSize} tokens. */
  Sampler(Sampling sampling, int row, int vocabSize) {
    this.sampling = sampling;
    this.random = new Philox(sampling.seed(), row);
    this.probabilities = new double[vocabSize];
    this.ranked = new long[sampling.topK() > 0 || sampling.topP() < 1 ? vocabSize : 0];
  }

  /** Notes that the sequence holds a token. */
  void see(int token) {
    if (sampling.repetitionPenalty() != 1) {
      seen.set(token);
    }
  }

  /** Divides positive scores of tokens that were seen, multiplies negative ones: all get worse. */
  private void penalize(float[] logits, int offset) {
    float penalty = sampling.repetitionPenalty();
    for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
      float score = logits[offset + id];
      logits[offset + id] = score < 0 ? score * penalty : score / penalty;
    }
  }

  /**
   * The next token, given the scores of all tokens at {@code logits[offset ..]}, which it may
   * change.
   */
  int next(float[] logits, int offset) {
    penalize(logits, offset);
    int best = argmax(logits, offset);
    if (sampling.temperature() == 0) {
      return best;
    }
    double max = logits[offset + best];
    for (int i = 0; i < probabilities.length; i++) {
      probabilities[i] = Math.exp((logits[offset + i] - max) / sampling.temperature());
    }
    if (ranked.length > 0) {
      keepCandidates();
    }
    double sum = 0;
    for (double p : probabilities) {
      sum += p;
    }
    double left = random.nextDouble() * sum;
    for (int i = 0; i < probabilities.length; i++) {
      left -= probabilities[i];
      if (left < 0) {
        return i;
      }
    }
    return best; // rounding took more than the sum held
  }

  private int argmax(float[] logits, int offset) {
    int best = 0;
    for (int i = 1; i < probabilities.length; i++) {
      if (logits[offset + i] > logits[offset + best]) {
        best = i;
      }
    }
    return best;
  }

  /**
   * Zeroes all but the top K, and of these all but the top P; of equals the lower token comes
   * first.
   */
  private void keepCandidates() {
    for (int i = 0; i < ranked.length; i++) {
      int rank =
          ~Float.floatToIntBits((float) probabilities[i]); // non-negative floats sort as ints
      ranked[i] = (long) rank << 32 | i;
    }
    Arrays.sort(ranked);
    int candidates =
        sampling.topK() == 0 ? ranked.length : Math.min(sampling.topK(), ranked.length);
    double mass = 0;
    for (int i = 0; i < candidates; i++) {
      mass += probabilities[(int) ranked[i]];
    }
    double reached = 0;
    int kept = 0;
    while (kept < candidates && (kept == 0 || reached < sampling.topP() * mass)) {
      reached += probabilities[(int) ranked[kept++]];
    }
    for (int i = kept; i < ranked.length; i++) {
      probabilities[(int) ranked[i]] = 0;
    }
  }
}

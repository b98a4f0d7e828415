package jambic.model;

import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import java.util.Arrays;
import java.util.BitSet;

/** Chooses next tokens for one sequence. */
final class Sampler {
  private final Sampling sampling;
  private final Philox random;
  private final BitSet seen = new BitSet(); // tokens to penalize
  private final double[] probabilities;
  private final int most; // candidates
  private final long[] ranked; // (probability's bits, token) of the candidates, packed to sort

  /** Chooses among the first {@code vocabSize} tokens. */
  Sampler(Sampling sampling, int row, int vocabSize) {
    this.sampling = sampling;
    this.random = new Philox(sampling.seed(), row);
    this.probabilities = new double[vocabSize];
    this.most = sampling.topK() == 0 ? vocabSize : Math.min(sampling.topK(), vocabSize);
    boolean all = sampling.topK() == 0 && sampling.topP() == 1;
    this.ranked = new long[all ? 0 : (int) Math.min(vocabSize, 2L * most)];
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
    if (!(logits[offset + best] < Float.POSITIVE_INFINITY)) { // NaN, too
      throw new JambicException(
          "the scores of the next token are not finite: the model's weights are damaged, or those of"
              + " a run that diverged");
    }
    if (sampling.temperature() == 0) {
      return best;
    }
    if (ranked.length == 0) {
      for (int i = 0; i < probabilities.length; i++) {
        probabilities[i] = probability(logits[offset + i], logits[offset + best]);
      }
    } else {
      keepCandidates(logits, offset, logits[offset + best]);
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

  /** Relative to that of the best token. */
  private double probability(float score, double best) {
    return Math.exp((score - best) / sampling.temperature());
  }

  /**
   * Only the top K have a probability, and of these the top P; of equals the lower token comes
   * first.
   */
  private void keepCandidates(float[] logits, int offset, float best) {
    Arrays.fill(probabilities, 0);
    int count = 0;
    float least = Float.NEGATIVE_INFINITY; // better than this or, being later, out
    for (int i = 0; i < probabilities.length; i++) {
      float score = logits[offset + i];
      if (score > least) {
        probabilities[i] = probability(score, best);
        int rank =
            ~Float.floatToIntBits((float) probabilities[i]); // non-negative floats sort as ints
        ranked[count++] = (long) rank << 32 | i;
        if (count == ranked.length) { // now and then, which is rarer than every token
          Arrays.sort(ranked);
          drop(most, count);
          count = most;
          least = logits[offset + (int) ranked[most - 1]];
        }
      }
    }
    Arrays.sort(ranked, 0, count);
    int candidates = Math.min(most, count);
    double mass = 0;
    for (int i = 0; i < candidates; i++) {
      mass += probabilities[(int) ranked[i]];
    }
    double reached = 0;
    int kept = 0;
    while (kept < candidates && (kept == 0 || reached < sampling.topP() * mass)) {
      reached += probabilities[(int) ranked[kept++]];
    }
    drop(kept, count);
  }

  /** Takes the probability from those who are ranked there. */
  private void drop(int from, int to) {
    for (int i = from; i < to; i++) {
      probabilities[(int) ranked[i]] = 0;
    }
  }
}

package jambic.model.generate;

import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** Chooses next tokens for one sequence. */
final class Sampler {
  private final SamplingParams sampling;
  private final Philox random;
  private final BitSet seen = new BitSet(); // tokens to penalize
  private final Map<Integer, Integer> written = new HashMap<>(); // how often each was generated
  private final int vocabSize;
  private final double[] probabilities; // of the first tokens, among which one is chosen
  private final int most; // candidates
  private final long[] ranked; // (probability's bits, token) of the candidates, packed to sort

  /** Chooses among the first {@code choices} tokens of a vocabulary. */
  Sampler(SamplingParams sampling, int row, int choices, int vocabSize) {
    this.sampling = sampling;
    this.vocabSize = vocabSize;
    this.random = new Philox(sampling.seed(), row);
    this.probabilities = new double[choices];
    this.most = sampling.topK() == 0 ? choices : Math.min(sampling.topK(), choices);
    boolean all = sampling.topK() == 0 && sampling.topP() == 1;
    this.ranked = new long[all ? 0 : (int) Math.min(choices, 2L * most)];
  }

  /** Notes that the sequence holds a token. */
  void see(int token) {
    if (sampling.repetitionPenalty() != 1) {
      seen.set(token);
    }
  }

  /** Notes that a token was generated: the sequence holds it, too. */
  void write(int token) {
    see(token);
    if (sampling.presencePenalty() != 0 || sampling.frequencyPenalty() != 0) {
      written.merge(token, 1, Integer::sum);
    }
  }

  /**
   * Divides positive scores of tokens that were seen, multiplies negative ones: all get worse. Then
   * subtracts the penalties of tokens that were generated, and adds the biases.
   */
  private void adjust(float[] logits, int offset) {
    float penalty = sampling.repetitionPenalty();
    for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
      float score = logits[offset + id];
      set(logits, offset + id, score < 0 ? score * penalty : score / penalty);
    }
    written.forEach((id, count) ->
        add(
            logits,
            offset + id,
            -sampling.presencePenalty() - count * sampling.frequencyPenalty()));
    sampling.logitBias().forEach((id, bias) -> add(logits, offset + id, bias));
  }

  private static void add(float[] logits, int at, float more) {
    set(logits, at, logits[at] + more);
  }

  /** What is finite stays so. */
  private static void set(float[] logits, int at, float score) {
    if (Float.isFinite(logits[at])) {
      logits[at] = Math.clamp(score, -Float.MAX_VALUE, Float.MAX_VALUE);
    }
  }

  /**
   * The next token, given the scores of all tokens at {@code logits[offset ..]}, which it may
   * change.
   *
   * @throws JambicException if the scores are no distribution: one of them is NaN or positive
   *     infinity, or none of those to choose among is finite
   */
  int next(float[] logits, int offset) {
    adjust(logits, offset);
    int best = argmax(logits, offset);
    requirePaddingNumbers(logits, offset);
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

  /** The best token, the first of equals; checks on the way that each score is a number. */
  private int argmax(float[] logits, int offset) {
    int best = -1;
    float most = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < probabilities.length; i++) {
      float score = logits[offset + i];
      if (!(score <= most)) { // better, or NaN
        requireNumber(score);
        most = score;
        best = i;
      }
    }
    if (best < 0) { // nothing is above negative infinity
      throw notFinite();
    }
    return best;
  }

  /** Checks the tokens that have a score and are never chosen, as in a padded vocabulary. */
  private void requirePaddingNumbers(float[] logits, int offset) {
    for (int i = probabilities.length; i < vocabSize; i++) {
      requireNumber(logits[offset + i]);
    }
  }

  private static void requireNumber(float score) {
    if (!(score < Float.POSITIVE_INFINITY)) { // NaN, too
      throw notFinite();
    }
  }

  static JambicException notFinite() {
    return new JambicException(
        "the scores of the next token are not finite: the model's weights are damaged, or those of"
            + " a run that diverged");
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

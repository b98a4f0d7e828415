package jambic.train.metric;

import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * BLEU (Papineni et al., 2002) of whole texts, as sacreBLEU computes it (Post, 2018): the same
 * scores, and the same signature to tell with which settings.
 *
 * <p>Hypotheses and references are plain text; the metric tokenizes them. A text without a run of
 * four words scores 0 even where it equals its reference, unless {@code effectiveOrder} is on.
 *
 * @param tokenization how text is cut into words
 * @param smoothing what stands for n-grams without a match
 * @param lowercase whether upper and lower case are the same
 * @param effectiveOrder whether only those n-grams count that the hypotheses are long enough for,
 *     as one needs for single sentences
 */
public record Bleu(
    Tokenization tokenization, Smoothing smoothing, boolean lowercase, boolean effectiveOrder) {
  /** The default of sacreBLEU. */
  public static final Bleu STANDARD = new Bleu(Tokenization.V13A, Smoothing.EXP, false, false);

  /** What sacreBLEU takes for single sentences. */
  public static final Bleu SENTENCE = new Bleu(Tokenization.V13A, Smoothing.EXP, false, true);

  private static final int ORDERS = 4;
  private static final double LOG_OF_ZERO = -9_999_999_999.0; // sacreBLEU's

  /** Sums over lines. */
  private static final class Sums {
    private final double[] counts = new double[ORDERS];
    private final double[] totals = new double[ORDERS];
    private long hypothesisLength;
    private long referenceLength;
  }

  /**
   * Scores a text of many lines as a whole.
   *
   * @param hypotheses what was written, line by line
   * @param references for each of the references, its lines
   * @return the score
   * @throws JambicException if there is no line, or a reference has another number of lines
   */
  public BleuScore score(List<String> hypotheses, List<List<String>> references) {
    Scores.check(hypotheses, references);
    Sums sums = new Sums();
    for (int i = 0; i < hypotheses.size(); i++) {
      add(sums, hypotheses.get(i), Scores.ofLine(references, i));
    }
    return score(sums);
  }

  /**
   * Scores one sentence; {@link #SENTENCE} has the usual settings for that.
   *
   * @param hypothesis what was written
   * @param references what should have been, one or more
   * @return the score
   * @throws JambicException if there is no reference
   */
  public BleuScore sentence(String hypothesis, List<String> references) {
    return score(List.of(hypothesis), references.stream().map(List::of).toList());
  }

  /**
   * Tells the settings as sacreBLEU does.
   *
   * @param references how many references there are for each line
   * @return such as {@code nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0}
   */
  public String signature(int references) {
    return String.join(
        "|",
        "nrefs:" + references,
        "case:" + (lowercase ? "lc" : "mixed"),
        "eff:" + (effectiveOrder ? "yes" : "no"),
        "tok:" + tokenization.signature(),
        "smooth:" + smoothing.signature(),
        Scores.VERSION);
  }

  private List<String> words(String text) {
    return tokenization.words(lowercase ? text.toLowerCase(Locale.ROOT) : text);
  }

  private void add(Sums sums, String hypothesis, List<String> references) {
    List<String> words = words(hypothesis);
    List<List<String>> right = references.stream().map(this::words).toList();
    sums.hypothesisLength += words.size();
    sums.referenceLength += nearest(words.size(), right);
    for (int n = 1; n <= ORDERS; n++) {
      Map<String, Integer> allowed = new HashMap<>(); // the most that any reference has
      for (List<String> one : right) {
        NGrams.ofWords(one, n).forEach((gram, count) -> allowed.merge(gram, count, Math::max));
      }
      Map<String, Integer> grams = NGrams.ofWords(words, n);
      sums.counts[n - 1] += NGrams.matches(grams, allowed);
      sums.totals[n - 1] += NGrams.total(grams);
    }
  }

  /** The length of the reference that is nearest in length, the shorter of two. */
  private static int nearest(int length, List<List<String>> references) {
    int nearest = references.getFirst().size();
    for (List<String> one : references) {
      int further = Math.abs(one.size() - length) - Math.abs(nearest - length);
      if (further < 0 || further == 0 && one.size() < nearest) {
        nearest = one.size();
      }
    }
    return nearest;
  }

  private BleuScore score(Sums sums) {
    List<Double> precisions = new ArrayList<>(Collections.nCopies(ORDERS, 0.0));
    double penalty = penalty(sums);
    if (total(sums.counts) == 0) {
      return result(0, sums, precisions, penalty);
    }
    int orders = ORDERS;
    double guess = 1;
    for (int i = 0; i < ORDERS; i++) {
      if (smoothing.method() == Smoothing.Method.ADD_K && i > 0) {
        sums.counts[i] += smoothing.value();
        sums.totals[i] += smoothing.value();
      }
      if (sums.totals[i] == 0) {
        break;
      }
      if (effectiveOrder) {
        orders = i + 1;
      }
      double count = sums.counts[i];
      if (count == 0 && smoothing.method() == Smoothing.Method.EXP) {
        guess /= 2;
        count = guess;
      } else if (count == 0 && smoothing.method() == Smoothing.Method.FLOOR) {
        count = smoothing.value();
      }
      precisions.set(i, 100 * count / sums.totals[i]);
    }
    double logs = 0;
    for (double precision : precisions.subList(0, orders)) {
      logs += precision == 0 ? LOG_OF_ZERO : Math.log(precision);
    }
    return result(penalty * Math.exp(logs / orders), sums, precisions, penalty);
  }

  private static double penalty(Sums sums) {
    if (sums.hypothesisLength >= sums.referenceLength) {
      return 1;
    }
    return sums.hypothesisLength == 0
        ? 0
        : Math.exp(1 - (double) sums.referenceLength / sums.hypothesisLength);
  }

  private static double total(double[] counts) {
    double total = 0;
    for (double count : counts) {
      total += count;
    }
    return total;
  }

  private static BleuScore result(
      double score, Sums sums, List<Double> precisions, double penalty) {
    return new BleuScore(
        score,
        list(sums.counts),
        list(sums.totals),
        precisions,
        penalty,
        sums.hypothesisLength,
        sums.referenceLength);
  }

  private static List<Double> list(double[] values) {
    List<Double> list = new ArrayList<>();
    for (double value : values) {
      list.add(value);
    }
    return list;
  }
}

package jambic.train.metric;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A BLEU score and what it was made of; the lists have an entry for n-grams of 1, 2, 3 and 4 words.
 *
 * @param score the score, from 0 to 100
 * @param counts how many n-grams match; not whole where smoothing adds a fraction
 * @param totals how many n-grams the hypotheses have
 * @param precisions their quotients in percent, smoothed
 * @param brevityPenalty the factor for hypotheses that are too short, at most 1
 * @param hypothesisLength words of the hypotheses
 * @param referenceLength words of the references, of several the nearest in length
 */
public record BleuScore(
    double score,
    List<Double> counts,
    List<Double> totals,
    List<Double> precisions,
    double brevityPenalty,
    long hypothesisLength,
    long referenceLength) {
  /**
   * Copies the lists.
   *
   * @param score the score
   * @param counts matching n-grams
   * @param totals all n-grams
   * @param precisions their quotients
   * @param brevityPenalty the factor for short hypotheses
   * @param hypothesisLength words of the hypotheses
   * @param referenceLength words of the references
   */
  public BleuScore {
    counts = List.copyOf(counts);
    totals = List.copyOf(totals);
    precisions = List.copyOf(precisions);
  }

  /**
   * The score as sacreBLEU prints it behind the equals sign.
   *
   * @return such as {@code 46.20 73.1/53.0/40.2/30.9 (BP = 0.985 ratio = 0.985 hyp_len = 11829
   *     ref_len = 12008)}
   */
  public String text() {
    double ratio = referenceLength == 0 ? 0 : (double) hypothesisLength / referenceLength;
    return Scores.decimals(score, 2)
        + precisions.stream()
            .map(precision -> Scores.decimals(precision, 1))
            .collect(Collectors.joining("/", " ", " "))
        + "(BP = "
        + Scores.decimals(brevityPenalty, 3)
        + " ratio = "
        + Scores.decimals(ratio, 3)
        + " hyp_len = "
        + hypothesisLength
        + " ref_len = "
        + referenceLength
        + ")";
  }
}

package jambic.train.metric;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;

/** What the scores of sacreBLEU have in common. */
final class Scores {
  /** The release of sacreBLEU whose scores and signatures these are, digit by digit. */
  static final String VERSION = "version:2.6.0";

  private Scores() {}

  /** As Python prints it: the number's exact value, rounded to even in the middle. */
  static String decimals(double value, int digits) {
    return new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
  }

  /**
   * Checks that there is something to compare.
   *
   * @throws JambicException if there is no hypothesis, no reference, or one of them is missing
   */
  static void check(List<String> hypotheses, List<List<String>> references) {
    if (hypotheses.isEmpty() || references.isEmpty()) {
      throw new JambicException("there are no lines to compare; give hypotheses and references");
    }
    for (List<String> one : references) {
      if (one.size() != hypotheses.size()) {
        throw new JambicException(
            Text.format(
                "there are %,d hypotheses but %,d references; each line needs the other",
                hypotheses.size(), one.size()));
      }
    }
  }

  /** The references of a line. */
  static List<String> ofLine(List<List<String>> references, int line) {
    return references.stream().map(one -> one.get(line)).toList();
  }
}

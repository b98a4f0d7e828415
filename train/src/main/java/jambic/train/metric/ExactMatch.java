package jambic.train.metric;

import jambic.tensor.JambicException;
import java.util.List;

/**
 * How many lines are right to the character, white space at both ends aside.
 *
 * @param equal lines that equal one of their references
 * @param lines all lines
 */
public record ExactMatch(long equal, long lines) {
  /**
   * Compares a text line by line.
   *
   * @param hypotheses what was written, line by line
   * @param references for each of the references, its lines
   * @return how many lines are right
   * @throws JambicException if there is no line, or a reference has another number of lines
   */
  public static ExactMatch of(List<String> hypotheses, List<List<String>> references) {
    Scores.check(hypotheses, references);
    long equal = 0;
    for (int i = 0; i < hypotheses.size(); i++) {
      String written = Whitespace.strip(hypotheses.get(i));
      if (Scores.ofLine(references, i).stream().map(Whitespace::strip).anyMatch(written::equals)) {
        equal++;
      }
    }
    return new ExactMatch(equal, hypotheses.size());
  }

  /**
   * The share of the lines that are right.
   *
   * @return from 0 to 100
   */
  public double percent() {
    return 100.0 * equal / lines;
  }
}

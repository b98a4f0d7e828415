package jambic.train.policy;

import java.util.List;

/** A reward that is a function of one answer's text; answers can be ranked by it too. */
@FunctionalInterface
public interface Rater extends Reward {
  /**
   * Scores an answer.
   *
   * @param completion the answer
   * @return a finite number; more is better
   */
  double rate(Completion completion);

  @Override
  default double[] scores(List<Completion> completions) {
    return completions.stream().mapToDouble(this::rate).toArray();
  }
}

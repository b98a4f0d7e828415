package jambic.train.policy;

import java.util.List;

/**
 * Scores answers: what PPO and GRPO learn to raise. All answers of a batch come at once, because a
 * reward model reads them together; {@link Rater} is for rewards that look at one alone.
 */
@FunctionalInterface
public interface Reward {
  /**
   * Scores answers.
   *
   * @param completions the answers
   * @return a finite number for each, in the same order; more is better
   */
  double[] scores(List<Completion> completions);
}

package jambic.train.policy;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;

/**
 * Compares the answers to one prompt with each other (GRPO; Shao et al., 2024): advantage = (reward
 * - mean of the group) / (standard deviation + 1e-4). A group whose rewards are all the same gives
 * zeros: there is nothing to learn from it.
 *
 * @param advantages by answer
 * @param meanStd mean over the groups of their rewards' standard deviation
 * @param fractionWithoutSpread share of the groups whose rewards are all the same
 */
public record GroupAdvantages(double[] advantages, double meanStd, double fractionWithoutSpread) {
  private static final double EPSILON = 1e-4;

  /** By what the differences are divided, TRL's {@code scale_rewards}. */
  public enum Scale {
    /** The standard deviation of the group. */
    GROUP,
    /** The standard deviation of all rewards of the batch, which weighs easy prompts less. */
    BATCH,
    /** Nothing, as in Dr. GRPO (Liu et al., 2025). */
    NONE
  }

  /**
   * The advantages of groups of answers.
   *
   * @param rewards by answer, group by group
   * @param groupSize how many answers each prompt has, two or more
   * @param scale by what the differences are divided
   * @return the advantages; standard deviations are by n - 1, as TRL has them
   * @throws JambicException if there is nothing to compare an answer with, or a reward is no finite
   *     number
   */
  public static GroupAdvantages of(double[] rewards, int groupSize, Scale scale) {
    if (groupSize < 2) {
      throw new JambicException(
          Text.format(
              "groups of %d leave nothing to compare an answer with; use 2 answers a prompt or more",
              groupSize));
    }
    if (rewards.length == 0 || rewards.length % groupSize != 0) {
      throw new IllegalArgumentException(
          Text.format("%d rewards are no groups of %d", rewards.length, groupSize));
    }
    for (int i = 0; i < rewards.length; i++) {
      if (!Double.isFinite(rewards[i])) {
        throw new JambicException(
            Text.format(
                "the reward of answer %d of %d is %s; a reward must be a finite number",
                i + 1, rewards.length, rewards[i]));
      }
    }
    double ofBatch = std(rewards, 0, rewards.length);
    double[] advantages = new double[rewards.length];
    double stds = 0;
    int flat = 0;
    for (int from = 0; from < rewards.length; from += groupSize) {
      int to = from + groupSize;
      double first = rewards[from];
      if (Arrays.stream(rewards, from, to).allMatch(reward -> reward == first)) {
        flat++; // the mean of equal numbers may differ from them in the last bit
        continue;
      }
      double ofGroup = std(rewards, from, to);
      double divisor =
          switch (scale) {
            case GROUP -> ofGroup + EPSILON;
            case BATCH -> ofBatch + EPSILON;
            case NONE -> 1;
          };
      double mean = mean(rewards, from, to);
      for (int i = from; i < to; i++) {
        advantages[i] = (rewards[i] - mean) / divisor;
      }
      stds += ofGroup;
    }
    int groups = rewards.length / groupSize;
    return new GroupAdvantages(advantages, stds / groups, (double) flat / groups);
  }

  private static double mean(double[] values, int from, int to) {
    return Arrays.stream(values, from, to).sum() / (to - from);
  }

  private static double std(double[] values, int from, int to) {
    double mean = mean(values, from, to);
    double squares =
        Arrays.stream(values, from, to).map(value -> (value - mean) * (value - mean)).sum();
    return Math.sqrt(squares / (to - from - 1));
  }
}

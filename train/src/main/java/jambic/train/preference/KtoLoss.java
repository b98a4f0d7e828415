package jambic.train.preference;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.OptionalDouble;

/**
 * The loss of Kahneman-Tversky optimization (KTO; Ethayarajh et al., 2024), as TRL's KTOTrainer has
 * it, for answers that are each judged good or bad on their own: the mean over answers of weight (1
 * - sigmoid(beta (h - kl))) for a good one and of weight (1 - sigmoid(beta (kl - h))) for a bad
 * one, with h = log-probability under the policy - under the reference.
 *
 * @param beta how closely the policy is held to the reference
 * @param goodWeight by how much a good answer counts (TRL's {@code desirable_weight})
 * @param badWeight by how much a bad answer counts (TRL's {@code undesirable_weight})
 */
public record KtoLoss(double beta, double goodWeight, double badWeight) {
  /**
   * What became of the answers.
   *
   * @param loss mean over answers
   * @param goodReward mean of beta h over the good ones; empty where there is none
   * @param badReward the same of the bad ones
   */
  public record Result(double loss, OptionalDouble goodReward, OptionalDouble badReward) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if one is not above 0
   */
  public KtoLoss {
    for (double one : new double[] {beta, goodWeight, badWeight}) {
      if (!(one > 0 && Double.isFinite(one))) {
        throw new JambicException(
            Text.format(
                "beta and the weights of good and bad answers must be above 0, got %s, %s and %s",
                beta, goodWeight, badWeight));
      }
    }
  }

  /**
   * Estimates how far the policy is from the reference on answers that it neither learned to give
   * nor to avoid: each prompt with the answer to another prompt of the batch. It is a measure, not
   * learned from.
   *
   * @param policy by mismatched row: sum of the answer's log-probabilities under the policy
   * @param reference by mismatched row: the same under the reference
   * @return mean of the differences, at least 0
   * @throws JambicException if there is no row
   */
  public static double kl(double[] policy, double[] reference) {
    Sigmoid.require(policy.length, reference.length);
    if (policy.length == 0) {
      throw new JambicException(
          "KTO needs answers to other prompts of the batch; use a batch of 2 or more");
    }
    double sum = 0;
    for (int i = 0; i < policy.length; i++) {
      sum += policy[i] - reference[i];
    }
    return Math.max(0, sum / policy.length);
  }

  /**
   * The loss.
   *
   * @param policy by row: sum of the answer's log-probabilities under the policy
   * @param reference by row: the same under the reference
   * @param good by row: whether the answer is good
   * @param kl the divergence of {@link #kl}
   * @param gradient is overwritten with the derivative with respect to each sum, which is that with
   *     respect to each log-probability in it
   * @return the loss and what a log shows
   */
  public Result loss(
      double[] policy, double[] reference, boolean[] good, double kl, double[] gradient) {
    int n = policy.length;
    Sigmoid.require(n, reference.length, good.length, gradient.length);
    double loss = 0;
    double goodRewards = 0;
    double badRewards = 0;
    int goods = 0;
    for (int i = 0; i < n; i++) {
      double h = policy[i] - reference[i];
      double sign = good[i] ? 1 : -1;
      double weight = good[i] ? goodWeight : badWeight;
      double z = sign * beta * (h - kl);
      loss += weight * Sigmoid.of(-z); // 1 - sigmoid(z)
      gradient[i] = -sign * weight * beta * Sigmoid.of(z) * Sigmoid.of(-z) / n;
      goods += good[i] ? 1 : 0;
      goodRewards += good[i] ? beta * h : 0;
      badRewards += good[i] ? 0 : beta * h;
    }
    return new Result(loss / n, mean(goodRewards, goods), mean(badRewards, n - goods));
  }

  private static OptionalDouble mean(double sum, int count) {
    return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
  }
}

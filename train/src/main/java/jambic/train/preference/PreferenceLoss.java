package jambic.train.preference;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Locale;

/**
 * The loss of direct preference optimization (DPO; Rafailov et al., 2023) and its relatives, as
 * TRL's DPOTrainer has them: the mean over pairs. With the reward of an answer r = beta
 * (log-probability under the policy - under the reference), each kind is a function of d =
 * r(chosen) - r(rejected).
 *
 * @param kind which function
 * @param beta how closely the policy is held to the reference
 * @param epsilon how often a judgement is taken to be the wrong way round, from 0 to below 0.5;
 *     only {@link Kind#ROBUST} and {@link Kind#CONSERVATIVE} have it, with others it must be 0
 */
public record PreferenceLoss(Kind kind, double beta, double epsilon) {
  /** Which function of the difference of rewards. */
  public enum Kind {
    /** -log sigmoid(d): DPO itself. */
    SIGMOID,
    /**
     * (h - 1 / (2 beta))^2, where h is the difference of log-ratios, each by token of its answer
     * (IPO; Azar et al., 2023, who take sums; TRL takes means, so that length does not count).
     */
    IPO,
    /** max(0, 1 - d) (SLiC; Zhao et al., 2023). */
    HINGE,
    /**
     * (-(1 - epsilon) log sigmoid(d) + epsilon log sigmoid(-d)) / (1 - 2 epsilon): without bias
     * under that noise (Chowdhury et al., 2024).
     */
    ROBUST,
    /**
     * -(1 - epsilon) log sigmoid(d) - epsilon log sigmoid(-d): smoothed labels (cDPO; Mitchell,
     * 2023).
     */
    CONSERVATIVE
  }

  /**
   * What became of the pairs.
   *
   * @param loss mean over pairs
   * @param chosenReward mean over pairs of the better answer's reward
   * @param rejectedReward mean over pairs of the other one's
   * @param accuracy share of the pairs whose better answer has the higher reward
   * @param margin mean over pairs of the difference of rewards
   */
  public record Result(
      double loss, double chosenReward, double rejectedReward, double accuracy, double margin) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if a number is out of range, or not of this kind
   */
  public PreferenceLoss {
    if (!(beta > 0 && Double.isFinite(beta))) {
      throw new JambicException(Text.format("beta must be above 0, got %s", beta));
    }
    if (!(epsilon >= 0 && epsilon < 0.5)) {
      throw new JambicException(
          Text.format("epsilon must be 0 or more and below 0.5, got %s", epsilon));
    }
    if (epsilon != 0 && kind != Kind.ROBUST && kind != Kind.CONSERVATIVE) {
      throw new JambicException(
          Text.format(
              "epsilon is of the losses robust and conservative only; leave it at 0 with %s, or choose one of them",
              kind.name().toLowerCase(Locale.ROOT)));
    }
  }

  /**
   * The loss. Of n pairs, rows 0 to n - 1 are the chosen answers and rows n to 2n - 1 the rejected
   * ones, in the same order.
   *
   * @param policy by row: sum of the answer's log-probabilities under the policy
   * @param reference by row: the same under the reference; zeros for none
   * @param tokens by row: how many tokens the answer has; only {@link Kind#IPO} divides by it
   * @param gradient is overwritten with the derivative with respect to each sum, which is that with
   *     respect to each log-probability in it
   * @return the loss and what a log shows
   */
  public Result loss(double[] policy, double[] reference, int[] tokens, double[] gradient) {
    Sigmoid.require(policy.length, reference.length, tokens.length, gradient.length);
    int n = policy.length / 2;
    if (n == 0 || policy.length % 2 != 0) {
      throw new IllegalArgumentException(Text.format("%d rows are no pairs", policy.length));
    }
    double loss = 0;
    double chosenRewards = 0;
    double rejectedRewards = 0;
    int right = 0;
    for (int i = 0; i < n; i++) {
      double chosen = policy[i] - reference[i];
      double rejected = policy[n + i] - reference[n + i];
      double chosenScale = kind == Kind.IPO ? 1.0 / tokens[i] : 1;
      double rejectedScale = kind == Kind.IPO ? 1.0 / tokens[n + i] : 1;
      double difference = chosen * chosenScale - rejected * rejectedScale;
      double slope = derivative(difference) / n;
      loss += value(difference);
      gradient[i] = slope * chosenScale;
      gradient[n + i] = -slope * rejectedScale;
      chosenRewards += beta * chosen;
      rejectedRewards += beta * rejected;
      right += chosen > rejected ? 1 : 0;
    }
    return new Result(
        loss / n,
        chosenRewards / n,
        rejectedRewards / n,
        (double) right / n,
        (chosenRewards - rejectedRewards) / n);
  }

  /** The loss of one pair, by the difference of its log-ratios. */
  private double value(double h) {
    double d = beta * h;
    return switch (kind) {
      case SIGMOID -> -Sigmoid.log(d);
      case IPO -> (h - 1 / (2 * beta)) * (h - 1 / (2 * beta));
      case HINGE -> Math.max(0, 1 - d);
      case ROBUST ->
          (-(1 - epsilon) * Sigmoid.log(d) + epsilon * Sigmoid.log(-d)) / (1 - 2 * epsilon);
      case CONSERVATIVE -> -(1 - epsilon) * Sigmoid.log(d) - epsilon * Sigmoid.log(-d);
    };
  }

  private double derivative(double h) {
    double d = beta * h;
    return switch (kind) {
      case SIGMOID -> -beta * Sigmoid.of(-d);
      case IPO -> 2 * (h - 1 / (2 * beta));
      case HINGE -> d < 1 ? -beta : 0;
      case ROBUST ->
          -beta * ((1 - epsilon) * Sigmoid.of(-d) + epsilon * Sigmoid.of(d)) / (1 - 2 * epsilon);
      case CONSERVATIVE -> -beta * ((1 - epsilon) * Sigmoid.of(-d) - epsilon * Sigmoid.of(d));
    };
  }
}

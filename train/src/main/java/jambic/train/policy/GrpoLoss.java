package jambic.train.policy;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.stage.AnswerTokens;

/**
 * The loss of group-relative policy optimization, as TRL's GRPOTrainer has it. By token: -min(a
 * ratio, a clamp(ratio, 1 - epsilon, 1 + epsilonHigh)) + beta kl, with ratio = exp(log-probability
 * - old log-probability), the answer's advantage a, and {@link KlEstimate#K3} of the policy against
 * the reference.
 *
 * @param kind how the tokens' losses become one
 * @param epsilon how far the ratio may fall below 1 with a gain
 * @param epsilonHigh how far it may rise above 1 with a gain
 * @param beta by how much divergence from the reference counts; with 0 no reference is needed
 * @param weightedKl whether the divergence is multiplied by the ratio, which makes its gradient
 *     right when answers are of an older policy (TRL's {@code use_bias_correction_kl}, its default)
 * @param maxLength the most tokens an answer may have; only {@link Kind#DR_GRPO} divides by it
 */
public record GrpoLoss(
    Kind kind, double epsilon, double epsilonHigh, double beta, boolean weightedKl, int maxLength) {
  /** How the tokens' losses become one. */
  public enum Kind {
    /** The mean over answers of each one's mean over its tokens (Shao et al., 2024). */
    GRPO,
    /** The sum divided by answers times the most tokens of one (Liu et al., 2025). */
    DR_GRPO,
    /** The mean over all tokens (Yu et al., 2025); TRL's default. */
    DAPO
  }

  /**
   * What became of the policy.
   *
   * @param loss the loss
   * @param kl mean over tokens of the divergence from the reference, 0 without one
   * @param clippedLow share of the tokens without gradient because the ratio is low
   * @param clippedHigh share of the tokens without gradient because the ratio is high
   * @param meanRatio exactly 1 while the policy is the one that drew the answers
   */
  public record Result(
      double loss, double kl, double clippedLow, double clippedHigh, double meanRatio) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if a number is out of range
   */
  public GrpoLoss {
    if (!(epsilon > 0 && epsilonHigh > 0)) {
      throw new JambicException(
          Text.format("the clip ranges must be above 0, got %s and %s", epsilon, epsilonHigh));
    }
    if (!(beta >= 0 && Double.isFinite(beta))) {
      throw new JambicException(Text.format("beta must be 0 or more, got %s", beta));
    }
    if (maxLength < 1) {
      throw new JambicException(
          Text.format("the most tokens of an answer must be 1 or more, got %d", maxLength));
    }
  }

  /**
   * The loss.
   *
   * @param answers where each lies
   * @param logProbs by token, under the policy
   * @param oldLogProbs by token, under the policy that drew the answers
   * @param reference by token, under the reference; empty where beta is 0
   * @param advantages by answer
   * @param gradient is overwritten with the derivative with respect to each log-probability
   * @return the loss and what a log shows
   */
  public Result loss(
      AnswerTokens answers,
      double[] logProbs,
      double[] oldLogProbs,
      double[] reference,
      double[] advantages,
      double[] gradient) {
    answers.require(logProbs, oldLogProbs, gradient);
    AnswerTokens.requireSame(beta == 0 ? 0 : answers.tokens(), reference);
    AnswerTokens.requireSame(answers.count(), advantages);
    double loss = 0;
    double kls = 0;
    double ratios = 0;
    int low = 0;
    int high = 0;
    for (int answer = 0; answer < answers.count(); answer++) {
      double advantage = advantages[answer];
      double weight = weight(answers, answer);
      for (int i = answers.start(answer); i < answers.end(answer); i++) {
        double ratio = Math.exp(logProbs[i] - oldLogProbs[i]);
        double bounded = Math.clamp(ratio, 1 - epsilon, 1 + epsilonHigh);
        boolean isClipped = bounded * advantage < ratio * advantage;
        double value = -advantage * (isClipped ? bounded : ratio);
        double derivative = isClipped ? 0 : -advantage * ratio; // the ratio's is the ratio
        if (beta != 0) {
          double kl = KlEstimate.K3.of(logProbs[i], reference[i]);
          double klDerivative = KlEstimate.K3.derivative(logProbs[i], reference[i]);
          value += beta * (weightedKl ? ratio * kl : kl);
          derivative += beta * (weightedKl ? ratio * (kl + klDerivative) : klDerivative);
          kls += kl;
        }
        loss += weight * value;
        gradient[i] = weight * derivative;
        low += isClipped && ratio < 1 ? 1 : 0;
        high += isClipped && ratio > 1 ? 1 : 0;
        ratios += ratio;
      }
    }
    double n = answers.tokens();
    return new Result(loss, kls / n, low / n, high / n, ratios / n);
  }

  private double weight(AnswerTokens answers, int answer) {
    return switch (kind) {
      case GRPO -> 1.0 / answers.count() / answers.length(answer);
      case DR_GRPO -> 1.0 / answers.count() / maxLength;
      case DAPO -> 1.0 / answers.tokens();
    };
  }
}

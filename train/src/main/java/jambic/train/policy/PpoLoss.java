package jambic.train.policy;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.stage.AnswerTokens;

/**
 * The losses of proximal policy optimization (Schulman et al., 2017), as in OpenAI's code for
 * language models and TRL's PPOTrainer: means over tokens.
 *
 * <p>Policy: max(-a ratio, -a clamp(ratio, 1 - clip, 1 + clip)) with ratio = exp(log-probability -
 * old log-probability) and the advantage a. Value: half of max((v - return)^2, (clamp(v, old -
 * clip, old + clip) - return)^2).
 *
 * @param clip how far the ratio may go from 1 with a gain
 * @param valueClip how far a value may go from the old one with a gain; infinite for no bound
 */
public record PpoLoss(double clip, double valueClip) {
  /**
   * What became of the policy.
   *
   * @param loss mean over tokens
   * @param clipFraction share of the tokens whose loss is the clipped one: they have no gradient
   * @param approxKl half of the mean squared difference of log-probabilities
   * @param meanRatio exactly 1 while the policy is the one that drew the answers
   */
  public record Policy(double loss, double clipFraction, double approxKl, double meanRatio) {}

  /**
   * What became of the values.
   *
   * @param loss half of the mean over tokens
   * @param clipFraction share of the tokens whose loss is the clipped one: they have no gradient
   */
  public record Value(double loss, double clipFraction) {}

  /**
   * Checks the bounds.
   *
   * @throws JambicException if one is not above 0
   */
  public PpoLoss {
    if (!(clip > 0 && valueClip > 0)) {
      throw new JambicException(
          Text.format("the clip ranges must be above 0, got %s and %s", clip, valueClip));
    }
  }

  /**
   * The policy's loss.
   *
   * @param logProbs by token, under the policy
   * @param oldLogProbs by token, under the policy that drew the answers
   * @param advantages by token
   * @param gradient is overwritten with the derivative with respect to each log-probability
   * @return the loss and what a log shows
   */
  public Policy policy(
      double[] logProbs, double[] oldLogProbs, double[] advantages, double[] gradient) {
    int n = logProbs.length;
    AnswerTokens.requireSame(n, oldLogProbs, advantages, gradient);
    double loss = 0;
    double squares = 0;
    double ratios = 0;
    int clipped = 0;
    for (int i = 0; i < n; i++) {
      double difference = logProbs[i] - oldLogProbs[i];
      double ratio = Math.exp(difference);
      double free = -advantages[i] * ratio;
      double bounded = -advantages[i] * Math.clamp(ratio, 1 - clip, 1 + clip);
      boolean isClipped = bounded > free;
      loss += isClipped ? bounded : free;
      gradient[i] = isClipped ? 0 : free / n; // the derivative of the ratio is the ratio
      clipped += isClipped ? 1 : 0;
      squares += difference * difference;
      ratios += ratio;
    }
    return new Policy(loss / n, (double) clipped / n, squares / n / 2, ratios / n);
  }

  /**
   * The value model's loss.
   *
   * @param values by token
   * @param oldValues by token, as they were when the answers were drawn
   * @param returns by token, as {@link Gae} gives them
   * @param gradient is overwritten with the derivative with respect to each value
   * @return the loss and what a log shows
   */
  public Value value(double[] values, double[] oldValues, double[] returns, double[] gradient) {
    int n = values.length;
    AnswerTokens.requireSame(n, oldValues, returns, gradient);
    double loss = 0;
    int clipped = 0;
    for (int i = 0; i < n; i++) {
      // Not clamp, which throws where a model that has diverged gives NaN: the loss should show it.
      double near =
          Math.max(Math.min(values[i], oldValues[i] + valueClip), oldValues[i] - valueClip);
      double free = values[i] - returns[i];
      double bounded = near - returns[i];
      boolean isClipped = !(bounded * bounded <= free * free); // true for NaN, too
      loss += isClipped ? bounded * bounded : free * free;
      gradient[i] = isClipped ? 0 : free / n;
      clipped += isClipped ? 1 : 0;
    }
    return new Value(loss / n / 2, (double) clipped / n);
  }
}

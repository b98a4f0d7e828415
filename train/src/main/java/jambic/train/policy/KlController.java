package jambic.train.policy;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * The coefficient of the KL penalty, which may adapt (Ziegler et al., 2019): after each update it
 * is multiplied by 1 + clamp(kl / target - 1, -0.2, 0.2) * answers / horizon. A record, so that a
 * checkpoint can hold it.
 *
 * @param coefficient by how much the penalty counts now
 * @param target the divergence of whole answers that it steers to, in nats
 * @param horizon over how many answers it adapts; infinite for a fixed coefficient
 */
public record KlController(double coefficient, double target, double horizon) {
  private static final double LARGEST_ERROR = 0.2;

  /**
   * Checks the bounds.
   *
   * @throws JambicException if the coefficient is negative, or the others are not above 0
   */
  public KlController {
    if (!(coefficient >= 0 && Double.isFinite(coefficient))) {
      throw new JambicException(
          Text.format("the KL coefficient must be 0 or more, got %s", coefficient));
    }
    if (!(target > 0 && horizon > 0)) {
      throw new JambicException(
          Text.format(
              "the KL target and the horizon must be above 0, got %s and %s", target, horizon));
    }
  }

  /**
   * A coefficient that stays.
   *
   * @param coefficient 0 or more
   * @return the controller
   * @throws JambicException if it is negative
   */
  public static KlController fixed(double coefficient) {
    return new KlController(coefficient, 1, Double.POSITIVE_INFINITY);
  }

  /**
   * The controller after an update.
   *
   * @param kl the mean divergence of the answers: of each, the sum of its tokens' estimates
   * @param answers how many there were
   * @return the next controller
   * @throws JambicException if the divergence is no number, or the horizon is so short that the
   *     penalty would become a gain
   */
  public KlController after(double kl, int answers) {
    if (Double.isInfinite(horizon)) {
      return this;
    }
    if (!Double.isFinite(kl)) {
      throw new JambicException(
          Text.format(
              "the KL divergence is %s: training has diverged; lower the learning rate", kl));
    }
    if (LARGEST_ERROR * answers >= horizon) {
      throw new JambicException(
          Text.format(
              "a horizon of %s is too short for %d answers an update; it must be above %s",
              horizon, answers, LARGEST_ERROR * answers));
    }
    double error = Math.clamp(kl / target - 1, -LARGEST_ERROR, LARGEST_ERROR);
    return new KlController(coefficient * (1 + error * answers / horizon), target, horizon);
  }
}

package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.train.optim.LearningRateSchedule;

/**
 * How the learning rate changes.
 *
 * @param decayLr whether the rate warms up and then falls on a cosine; else it is constant
 * @param minLr what the rate falls to
 * @param warmupIters updates of linear warm-up
 * @param lrDecayIters the update at which the rate has fallen to {@code minLr}
 */
public record ScheduleSettings(
    @Hyperparameter("whether the rate warms up and falls on a cosine") boolean decayLr,
    @Hyperparameter("what the rate falls to") double minLr,
    @Hyperparameter("updates of linear warm-up") int warmupIters,
    @Hyperparameter("the update at which the rate has fallen") int lrDecayIters) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public ScheduleSettings {
    Bounds.atLeast("warmupIters", warmupIters, 0);
    Bounds.finiteAndNotNegative("minLr", minLr);
    Bounds.check(
        !decayLr || lrDecayIters >= warmupIters,
        "%s (%d) must be at least %s (%d)",
        new Name("lrDecayIters"),
        lrDecayIters,
        new Name("warmupIters"),
        warmupIters);
  }

  /** The learning rates of a run with that peak. */
  LearningRateSchedule rates(double peak) {
    return decayLr
        ? new LearningRateSchedule.WarmupCosine(peak, minLr, warmupIters, lrDecayIters)
        : new LearningRateSchedule.Constant(peak);
  }
}

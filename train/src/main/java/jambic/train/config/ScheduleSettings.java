package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.train.optim.LearningRateSchedule;

/**
 * How the learning rate changes.
 *
 * @param decayLr whether the rate warms up and then falls; else it is constant
 * @param decay how it falls
 * @param minLr what the rate falls to on a cosine
 * @param warmupIters updates of linear warm-up
 * @param lrDecayIters the update at which the rate has fallen to {@code minLr}
 */
public record ScheduleSettings(
    @Hyperparameter("whether the rate warms up and falls") boolean decayLr,
    @Hyperparameter(
            value = "how it falls: cosine, or inverse-sqrt of the updates, without end",
            former = "cosine")
        Decay decay,
    @Hyperparameter("what the rate falls to on a cosine") double minLr,
    @Hyperparameter("updates of linear warm-up") int warmupIters,
    @Hyperparameter("the update at which the rate has fallen") int lrDecayIters) {

  /** How a rate falls. */
  public enum Decay {
    /** Half a cosine down to a minimum: nanoGPT's. */
    COSINE,
    /** With the inverse square root of the updates: that of Vaswani et al. (2017). */
    INVERSE_SQRT
  }

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public ScheduleSettings {
    Bounds.atLeast("warmupIters", warmupIters, 0);
    Bounds.finiteAndNotNegative("minLr", minLr);
    Bounds.check(
        !decayLr || decay != Decay.COSINE || lrDecayIters >= warmupIters,
        "%s (%d) must be at least %s (%d)",
        new Name("lrDecayIters"),
        lrDecayIters,
        new Name("warmupIters"),
        warmupIters);
    Bounds.check(
        !decayLr || decay != Decay.INVERSE_SQRT || warmupIters >= 1,
        "%s must be at least 1 where the rate falls with the inverse square root",
        new Name("warmupIters"));
  }

  /**
   * Returns the learning rates of a run.
   *
   * @param peak the highest one
   * @return the rate of every update
   */
  public LearningRateSchedule rates(double peak) {
    if (!decayLr) {
      return new LearningRateSchedule.Constant(peak);
    }
    return switch (decay) {
      case COSINE -> new LearningRateSchedule.WarmupCosine(peak, minLr, warmupIters, lrDecayIters);
      case INVERSE_SQRT -> new LearningRateSchedule.InverseSqrt(peak, warmupIters);
    };
  }
}

package jambic.train.optim;

import jambic.tensor.JambicException;

/** The learning rate as a function of the iteration. */
public sealed interface LearningRateSchedule {
  /**
   * The learning rate of an iteration.
   *
   * @param iteration the iteration, from 0
   * @return the learning rate, as an {@link Optimizer} takes it
   */
  double at(long iteration);

  /**
   * The same rate for every iteration.
   *
   * @param learningRate that rate
   */
  record Constant(double learningRate) implements LearningRateSchedule {
    @Override
    public double at(long iteration) {
      return learningRate;
    }
  }

  /**
   * A linear warm-up, half a cosine down to the minimum, and that rate from there on: {@code
   * get_lr} of nanoGPT's {@code train.py} (the version whose first step is not lost to a rate of
   * zero).
   *
   * @param learningRate the peak, reached at {@code warmupIters}
   * @param minLr the rate from {@code lrDecayIters} on
   * @param warmupIters iterations of warm-up
   * @param lrDecayIters the iteration at which the cosine ends, at least {@code warmupIters}
   */
  record WarmupCosine(double learningRate, double minLr, int warmupIters, int lrDecayIters)
      implements LearningRateSchedule {
    @Override
    public double at(long iteration) {
      if (iteration < warmupIters) {
        return learningRate * (iteration + 1) / (warmupIters + 1);
      }
      if (iteration >= lrDecayIters) {
        return minLr;
      }
      double progress = (double) (iteration - warmupIters) / (lrDecayIters - warmupIters); // [0, 1)
      double share = 0.5 * (1 + Math.cos(Math.PI * progress)); // 1 at the peak, 0 at the end
      return minLr + share * (learningRate - minLr);
    }
  }

  /**
   * A linear warm-up, then down with the inverse square root of the step: the schedule of
   * "Attention Is All You Need", whose peak is {@code (width * warmup)^-0.5}.
   *
   * @param peak the highest rate, reached at step {@code warmup}, counted from 1
   * @param warmup steps of warm-up, at least 1
   */
  record InverseSqrt(double peak, int warmup) implements LearningRateSchedule {
    /** Refuses a warm-up of no steps, from which there is nothing to fall. */
    public InverseSqrt {
      if (warmup < 1) {
        throw new JambicException(
            "an inverse square root schedule needs a warm-up of at least 1 step, not " + warmup);
      }
    }

    @Override
    public double at(long iteration) {
      double share = (iteration + 1.0) / warmup;
      return peak * Math.min(share, 1 / Math.sqrt(share));
    }
  }
}

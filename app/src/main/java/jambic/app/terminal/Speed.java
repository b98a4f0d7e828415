package jambic.app.terminal;

import jambic.train.run.Metrics;
import java.util.Arrays;

/**
 * How fast a run is: the median of its last steps, once the first seconds are over, in which the
 * JVM compiles the kernels.
 */
final class Speed {
  private static final int STEPS = 20;
  static final int LEAST_STEPS = 3;
  private static final double WARM_UP_MS = 2_000;

  private final double[] millis = new double[STEPS];
  private int count;
  private double total;
  private double tokens; // of a step

  void add(Metrics.Step step) {
    millis[count++ % STEPS] = step.ms();
    total += step.ms();
    tokens = step.tokensPerSecond() * step.ms() * 1e-3;
  }

  boolean isKnown() {
    return count >= LEAST_STEPS && total >= WARM_UP_MS;
  }

  /** Of a step. */
  double millis() {
    double[] sorted = Arrays.copyOf(millis, Math.min(count, STEPS));
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  double tokensPerSecond() {
    return tokens / (millis() * 1e-3);
  }
}

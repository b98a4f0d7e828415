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
  private final double[] tokens = new double[STEPS];
  private int count;
  private double total;

  void add(Metrics.Step step) {
    millis[count % STEPS] = step.ms();
    tokens[count % STEPS] = step.tokensPerSecond() * step.ms() * 1e-3;
    count++;
    total += step.ms();
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

  /** Steps of pairs have more or fewer tokens: their mean, in the time of a step. */
  double tokensPerSecond() {
    double mean = Arrays.stream(tokens, 0, Math.min(count, STEPS)).average().orElseThrow();
    return mean / (millis() * 1e-3);
  }
}

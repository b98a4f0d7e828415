package jambic.app.chart;

import java.util.Arrays;

/**
 * Points in order of x.
 *
 * @param x iterations, ascending
 * @param y losses, finite
 */
record Series(double[] x, double[] y) {
  int size() {
    return x.length;
  }

  /** At most {@code count} points: the means of equally long stretches. */
  Series thinned(int count) {
    if (size() <= count) {
      return this;
    }
    double[] meanX = new double[count];
    double[] meanY = new double[count];
    for (int i = 0; i < count; i++) {
      int start = (int) ((long) size() * i / count);
      int end = (int) ((long) size() * (i + 1) / count);
      meanX[i] = Arrays.stream(x, start, end).average().orElseThrow();
      meanY[i] = Arrays.stream(y, start, end).average().orElseThrow();
    }
    return new Series(meanX, meanY);
  }

  /**
   * Each point averaged with up to {@code reach} neighbours on both sides. At the start the window
   * shrinks on both sides alike, so that a steep start is not flattened.
   */
  Series smoothed(int reach) {
    double[] mean = new double[size()];
    for (int i = 0; i < size(); i++) {
      int before = Math.min(reach, i);
      int after = Math.min(before, size() - 1 - i);
      mean[i] = Arrays.stream(y, i - before, i + after + 1).average().orElseThrow();
    }
    return new Series(x, mean);
  }

  Series withoutFirst() {
    return new Series(Arrays.copyOfRange(x, 1, size()), Arrays.copyOfRange(y, 1, size()));
  }

  /** The index of the least y. */
  int lowest() {
    int best = 0;
    for (int i = 1; i < size(); i++) {
      if (y[i] < y[best]) {
        best = i;
      }
    }
    return best;
  }
}

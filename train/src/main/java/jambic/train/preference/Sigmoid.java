package jambic.train.preference;

import jambic.tensor.text.Text;

/** The logistic function and its logarithm, which neither overflow nor lose digits. */
final class Sigmoid {
  private Sigmoid() {}

  static double of(double x) {
    return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
  }

  static double log(double x) {
    return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
  }

  /** Requires so many numbers: else the caller has mixed up its arrays. */
  static void require(int length, int... lengths) {
    for (int one : lengths) {
      if (one != length) {
        throw new IllegalArgumentException(
            Text.format("an array has %d numbers where another has %d", one, length));
      }
    }
  }
}

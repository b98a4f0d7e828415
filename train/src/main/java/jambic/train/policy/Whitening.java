package jambic.train.policy;

/**
 * Scales numbers to variance 1, and with {@link #FULL} to mean 0, as TRL's {@code masked_whiten}:
 * (x - mean) / sqrt(variance + 1e-8), where the variance is a sum divided by n - 1.
 */
public enum Whitening {
  /** To mean 0: for advantages. */
  FULL,
  /** The mean stays as it was: for rewards, which would change their sign otherwise. */
  KEEP_MEAN;

  private static final double EPSILON = 1e-8;

  /**
   * Whitens.
   *
   * @param values of all counted tokens of a batch
   * @return the scaled numbers; a single one has no variance and is taken for the mean
   */
  public double[] of(double[] values) {
    int n = values.length;
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    double mean = sum / n;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    double scale = 1 / Math.sqrt(squares / Math.max(1, n - 1) + EPSILON);
    double[] whitened = new double[n];
    for (int i = 0; i < n; i++) {
      whitened[i] = (values[i] - mean) * scale + (this == KEEP_MEAN ? mean : 0);
    }
    return whitened;
  }
}

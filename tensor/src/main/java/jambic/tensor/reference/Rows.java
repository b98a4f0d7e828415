package jambic.tensor.reference;

/** The two inner loops of matrix products: of float rows, in double precision. */
final class Rows {
  private Rows() {}

  /** The inner product of {@code a[i .. i+n)} and {@code b[j .. j+n)}, in four interleaved sums. */
  static double dot(float[] a, int i, float[] b, int j, int n) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int k = 0;
    for (; k < n - 3; k += 4) {
      s0 += (double) a[i + k] * b[j + k];
      s1 += (double) a[i + k + 1] * b[j + k + 1];
      s2 += (double) a[i + k + 2] * b[j + k + 2];
      s3 += (double) a[i + k + 3] * b[j + k + 3];
    }
    for (; k < n; k++) {
      s0 += (double) a[i + k] * b[j + k];
    }
    return (s0 + s1) + (s2 + s3);
  }

  /** {@code sum[0 .. n) += factor * a[i .. i+n)}. */
  static void addScaled(double[] sum, double factor, float[] a, int i, int n) {
    for (int k = 0; k < n; k++) {
      sum[k] += factor * a[i + k];
    }
  }

  /** {@code out[o .. o+n) = sum[0 .. n)}, rounded. */
  static void store(float[] out, int o, double[] sum, int n) {
    for (int k = 0; k < n; k++) {
      out[o + k] = (float) sum[k];
    }
  }

  /** {@code out[o .. o+n) += sum[0 .. n)}, rounded once. */
  static void add(float[] out, int o, double[] sum, int n) {
    for (int k = 0; k < n; k++) {
      out[o + k] = (float) (out[o + k] + sum[k]);
    }
  }
}

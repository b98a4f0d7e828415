package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ColumnSumsTest {
  @Test
  void addsToWhatIsThereOrOverwritesItAndNothingElse() {
    try (Workers workers = new Workers(2)) {
      for (int m : new int[] {1, 63, 64, 65, 1000}) {
        for (int n : new int[] {1, 3, 17, 63, 64, 65, 257}) {
          check(new ColumnSums(workers), m, n, 0.25f, true);
          check(new ColumnSums(workers), m, n, Float.NaN, false);
        }
      }
    }
  }

  @Test
  void bitsDoNotDependOnTheNumberOfThreads() {
    float[] one = withThreads(1);
    assertThat(Arrays.equals(withThreads(2), one)).isTrue();
    assertThat(Arrays.equals(withThreads(3), one)).isTrue();
  }

  private static float[] withThreads(int threads) {
    try (Workers workers = new Workers(threads)) {
      return check(new ColumnSums(workers), 777, 333, 0.25f, true);
    }
  }

  private static float[] check(
      ColumnSums columnSums, int m, int n, float before, boolean accumulate) {
    Random random = new Random(m * 31L + n);
    int stride = n + 3;
    float[] x = new float[2 + (m - 1) * stride + n];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    float[] sums = new float[n + 2];
    Arrays.fill(sums, 0.25f);
    Arrays.fill(sums, 1, n + 1, before);
    columnSums.sum(sums, 1, new Matrix(x, 2, m, n, stride, false), accumulate);
    assertThat(sums[0]).isEqualTo(0.25f);
    assertThat(sums[n + 1]).isEqualTo(0.25f);
    for (int j = 0; j < n; j++) {
      double want = accumulate ? before : 0;
      for (int i = 0; i < m; i++) {
        want += x[2 + i * stride + j];
      }
      if (!(Math.abs(sums[1 + j] - want) <= (1e-5 + 1e-4 * Math.abs(want)) * Math.sqrt(m))) {
        throw new AssertionError("(%d, %d): %s, not %s".formatted(m, n, sums[1 + j], want));
      }
    }
    return sums;
  }
}

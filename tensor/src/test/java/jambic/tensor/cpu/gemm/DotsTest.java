package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DotsTest {
  private static final float CANARY = -9876.5f;

  @Test
  void agreesWithADoubleSumAtUglySizes() {
    try (Workers workers = new Workers(2)) {
      for (int m : new int[] {1, 2, 3, 4, 5, 7, 8}) {
        for (int n : new int[] {1, 3, 17, 65, 257, 2500}) {
          for (int k : new int[] {1, 3, 16, 17, 63, 64, 257}) {
            check(new Dots(workers), m, n, k, n % 2 == 0);
            check(new Dots(workers), m, n, k, n % 2 != 0);
          }
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
      return check(new Dots(workers), 3, 1234, 300, true);
    }
  }

  private static float[] check(Dots dots, int m, int n, int k, boolean biased) {
    Random random = new Random(m * 31L + n * 17L + k);
    int lda = k + 3;
    int ldw = k + 1;
    int ldc = n + 2;
    // The inputs end with their last element, so that a read past it fails.
    float[] a = gaussians(random, 5 + (m - 1) * lda + k);
    float[] w = gaussians(random, 7 + (n - 1) * ldw + k);
    float[] bias = gaussians(random, 1 + n);
    float[] c = new float[4 + m * ldc];
    Arrays.fill(c, CANARY);
    dots.multiply(
        new Matrix(c, 4, m, n, ldc, false),
        new Matrix(a, 5, m, k, lda, false),
        new Matrix(w, 7, n, k, ldw, false),
        bias,
        biased ? 1 : -1);
    for (int at = 0; at < c.length; at++) {
      int i = Math.floorDiv(at - 4, ldc);
      int j = Math.floorMod(at - 4, ldc);
      if (i < 0 || j >= n) {
        assertThat(c[at]).isEqualTo(CANARY);
        continue;
      }
      double want = biased ? bias[1 + j] : 0;
      for (int p = 0; p < k; p++) {
        want += (double) a[5 + i * lda + p] * w[7 + j * ldw + p];
      }
      if (!(Math.abs(c[at] - want) <= (1e-5 + 1e-4 * Math.abs(want)) * Math.sqrt(k))) {
        throw new AssertionError(
            "(%d, %d, %d): c(%d, %d) is %s, not %s".formatted(m, n, k, i, j, c[at], want));
      }
    }
    return c;
  }

  private static float[] gaussians(Random random, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}

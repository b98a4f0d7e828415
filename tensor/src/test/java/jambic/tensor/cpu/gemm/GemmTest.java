package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("width")
class GemmTest {
  private static final float CANARY = 12345.678f;

  /**
   * A product with views into larger arrays: nothing is aligned and no row ends where the next
   * begins.
   */
  record Case(
      boolean transA, boolean transB, int m, int n, int k, boolean accumulate, boolean bias) {

    float[] run(Gemm gemm) {
      Random random = new Random(31L * m + 17L * n + k);
      int lda = (transA ? m : k) + 3;
      int ldb = (transB ? k : n) + 5;
      int ldc = n + 7;
      // The arrays end with the last element, so that a read past it fails.
      float[] a = gaussians(random, 11 + ((transA ? k : m) - 1) * lda + (transA ? m : k));
      float[] b = gaussians(random, 13 + ((transB ? n : k) - 1) * ldb + (transB ? k : n));
      float[] biases = bias ? gaussians(random, 3 + n) : new float[0];
      float[] c = new float[9 + m * ldc + 4];
      Arrays.fill(c, CANARY);
      double[] expected = new double[m * n];
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          float before = accumulate ? (float) random.nextGaussian() : Float.NaN;
          c[9 + i * ldc + j] = before;
          double sum = (accumulate ? before : 0) + (bias ? biases[3 + j] : 0);
          for (int p = 0; p < k; p++) {
            sum +=
                (double) a[11 + (transA ? p * lda + i : i * lda + p)]
                    * b[13 + (transB ? j * ldb + p : p * ldb + j)];
          }
          expected[i * n + j] = sum;
        }
      }
      Matrix am = new Matrix(a, 11, m, k, lda, transA);
      Matrix bm = new Matrix(b, 13, k, n, ldb, transB);
      Matrix cm = new Matrix(c, 9, m, n, ldc, false);
      if (bias) {
        gemm.multiply(cm, am, bm, biases, 3);
      } else {
        gemm.multiply(cm, am, bm, accumulate);
      }
      double scale = Math.sqrt(k);
      for (int x = 0; x < c.length; x++) {
        int i = x < 9 ? m : (x - 9) / ldc;
        int j = (x - 9) % ldc;
        if (i >= m || j >= n) {
          if (c[x] != CANARY) {
            throw new AssertionError(this + ": wrote outside of c at " + x);
          }
        } else {
          double want = expected[i * n + j];
          if (!(Math.abs(c[x] - want) <= (1e-5 + 1e-4 * Math.abs(want)) * scale)) {
            throw new AssertionError(
                this + ": c(" + i + ", " + j + ") is " + c[x] + ", not " + want);
          }
        }
      }
      return c;
    }
  }

  @Test
  void agreesWithADoubleSumAtUglySizes() {
    int[] sizes = {1, 3, 17, 63, 65, 257};
    try (Workers workers = new Workers(2)) {
      Gemm gemm = new Gemm(workers);
      for (int m : sizes) {
        for (int n : sizes) {
          for (int k : new int[] {0, 1, 17, 65}) {
            new Case(false, true, m, n, k, false, true).run(gemm);
            new Case(false, false, m, n, k, true, false).run(gemm);
            new Case(true, false, m, n, k, true, false).run(gemm);
            new Case(true, true, m, n, k, false, false).run(gemm);
          }
        }
      }
    }
  }

  private static float[] gaussians(Random random, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Test
  void cutsWhatIsPackedForAllWhenBothSidesAreLarge() {
    try (Workers workers = new Workers(2)) {
      new Case(false, true, 131, 129, 40, false, true).run(new Gemm(workers, 64));
      new Case(false, false, 129, 131, 40, true, false).run(new Gemm(workers, 64));
    }
  }

  static Stream<Case> modelSizes() {
    return Stream.of(
        new Case(false, true, 256, 96, 32, false, true),
        new Case(false, true, 200, 600, 1100, false, true),
        new Case(false, false, 300, 200, 600, true, false),
        new Case(true, false, 130, 200, 1100, true, false),
        new Case(true, false, 130, 200, 1100, false, false),
        new Case(true, false, 1021, 600, 70, true, false), // columns 1024 apart
        new Case(false, true, 20, 700, 70, true, false));
  }

  @ParameterizedTest
  @MethodSource("modelSizes")
  void bitsDoNotDependOnTheNumberOfThreads(Case test) {
    float[] one = runWith(1, test);
    assertThat(Arrays.equals(runWith(2, test), one)).isTrue();
    assertThat(Arrays.equals(runWith(3, test), one)).isTrue();
  }

  private static float[] runWith(int threads, Case test) {
    try (Workers workers = new Workers(threads)) {
      return test.run(new Gemm(workers));
    }
  }
}

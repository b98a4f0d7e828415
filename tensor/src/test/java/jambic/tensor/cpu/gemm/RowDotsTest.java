package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.cpu.simd.Lanes;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("width")
class RowDotsTest {
  @ParameterizedTest
  @CsvSource({"1, 1", "3, 5", "16, 16", "17, 24", "31, 64", "64, 80", "5, 257"})
  void multipliesRowByRow(int rows, int n) {
    int lda = n + 3;
    int ldb = n + 1;
    float[] a = numbers(rows * lda);
    float[] b = numbers(rows * ldb + 1);
    int dots = 1;
    int parts = dots + rows + Lanes.F.length();
    float[] w = new float[parts + RowDots.parts(rows)];
    RowDots.multiply(w, dots, parts, a, 0, lda, b, 1, ldb, rows, n);
    for (int i = 0; i < rows; i++) {
      double want = 0;
      for (int j = 0; j < n; j++) {
        want += (double) a[i * lda + j] * b[1 + i * ldb + j];
      }
      assertThat((double) w[dots + i]).as("row %d", i).isCloseTo(want, within(1e-5 * (1 + n)));
    }
  }

  private static float[] numbers(int n) {
    float[] numbers = new float[n];
    for (int i = 0; i < n; i++) {
      numbers[i] = (i * 37 % 101 - 50) / 50f;
    }
    return numbers;
  }
}

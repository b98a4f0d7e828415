package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.cpu.simd.Lanes;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every element in its place, none read past the matrix, none written past the last panel. */
@Tag("width")
class PanelsTest {
  private static final int L = Lanes.F.length();
  private static final int[] STEPS = {0, 1, 2, 3, 7, 8, 9, 16, 31, 33, 65, 130};
  private static final int[] COLUMNS = {1, 2, 4, 5, 6, 9, 10, 17, 40, 61};
  private static final float CANARY = 12345.678f;
  private static final int FROM = 3;

  static IntStream widths() {
    return IntStream.of(4, 5, 8, L, 2 * L).distinct();
  }

  @ParameterizedTest
  @MethodSource("widths")
  void stepsAreRows(int width) {
    for (int k : STEPS) {
      for (int columns : COLUMNS) {
        int ld = columns + 2;
        float[] src = numbered(FROM + Math.max(0, k - 1) * ld + columns);
        float[] dst = canaries(k, columns, width);
        Panels.copy(k, src, FROM, ld, columns, dst, FROM, width);
        for (int p = 0; p < k; p++) {
          for (int j = 0; j < columns; j++) {
            assertThat(dst[at(k, p, j, width)])
                .as("step %d of %d, column %d of %d", p, k, j, columns)
                .isEqualTo(src[FROM + p * ld + j]);
          }
        }
        requireCanaries(dst, k, columns, width);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("widths")
  void stepsAreColumns(int width) {
    for (int k : STEPS) {
      for (int valid = 1; valid <= width; valid++) {
        int ld = k + 2;
        float[] src = numbered(FROM + (valid - 1) * ld + k);
        float[] dst = canaries(k, width, width);
        Panels.interleave(k, src, FROM, ld, valid, dst, FROM, width);
        for (int p = 0; p < k; p++) {
          for (int j = 0; j < valid; j++) {
            assertThat(dst[at(k, p, j, width)])
                .as("step %d of %d, row %d of %d", p, k, j, valid)
                .isEqualTo(src[FROM + j * ld + p]);
          }
        }
        requireCanaries(dst, k, width, width);
      }
    }
  }

  private static int at(int k, int p, int j, int width) {
    return FROM + j / width * width * k + p * width + j % width;
  }

  private static int end(int k, int columns, int width) {
    return FROM + (columns + width - 1) / width * width * k;
  }

  private static float[] numbered(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i;
    }
    return values;
  }

  private static float[] canaries(int k, int columns, int width) {
    float[] dst = new float[end(k, columns, width) + 2 * L];
    Arrays.fill(dst, CANARY);
    return dst;
  }

  private static void requireCanaries(float[] dst, int k, int columns, int width) {
    assertThat(Arrays.copyOf(dst, FROM)).containsOnly(CANARY);
    assertThat(Arrays.copyOfRange(dst, end(k, columns, width), dst.length)).containsOnly(CANARY);
  }
}

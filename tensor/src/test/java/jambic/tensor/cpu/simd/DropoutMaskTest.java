package jambic.tensor.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.host.HostRegion;
import jambic.tensor.spi.Dropout;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("width")
class DropoutMaskTest {
  private static final long SEED = 0x9ABCDEF012345678L;
  private static final int SITE = 0x80000003; // all 32 bits count
  private static final int STEP = -7;

  @ParameterizedTest
  @CsvSource({
    "0, 64",
    "0, 1",
    "5, 17",
    "63, 2",
    "64, 257",
    "1000, 130",
    // counters on both sides of 2^32, and far beyond it
    "17179868160, 2048",
    "98765432109876, 100"
  })
  void drawsWhatTheDefinitionSays(long element, int n) {
    Dropout dropout = dropout(0.3f, STEP);
    float[] out = new float[n + 2 * DropoutMask.GROUP];
    int first = new DropoutMask(dropout).fill(out, 1, element, n);
    for (int i = 0; i < n; i++) {
      assertThat(out[first + i])
          .as("element %d", element + i)
          .isEqualTo(factor(dropout, element + i));
    }
    assertThat(out[0]).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0, 64, 1, 1", "64, 128, 17, 64", "1088, 192, 64, 9", "17179868160, 640, 33, 40"})
  void drawsTheSameTransposed(long element, int distance, int rows, int n) {
    Dropout dropout = dropout(0.3f, STEP);
    int ld = 67;
    float[] out = new float[DropoutMask.GROUP * ld];
    new DropoutMask(dropout).fillTransposed(out, 2, ld, element, distance, rows, n);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < n; j++) {
        long e = element + (long) i * distance + j;
        assertThat(out[2 + j * ld + i]).as("element %d", e).isEqualTo(factor(dropout, e));
      }
    }
  }

  @Test
  void keepsTheShareItShould() {
    float[] out = new float[1 << 16];
    new DropoutMask(dropout(0.2f, 1)).fill(out, 0, 0, out.length);
    int kept = 0;
    for (float factor : out) {
      kept += factor == 0 ? 0 : 1;
    }
    // Four standard deviations of a binomial distribution are 0.00625.
    assertThat(kept / (double) out.length).isBetween(0.79375, 0.80625);
  }

  @Test
  void anotherStepDrawsAnotherMask() {
    float[] one = new float[256];
    float[] two = new float[256];
    new DropoutMask(dropout(0.5f, 1)).fill(one, 0, 0, 256);
    new DropoutMask(dropout(0.5f, 2)).fill(two, 0, 0, 256);
    assertThat(Arrays.equals(one, two)).isFalse();
  }

  /** The definition, word by word. */
  private static float factor(Dropout dropout, long e) {
    long n = e / 64 * 16 + e % 16;
    int[] words = new int[4];
    int step = dropout.step().toInts()[0];
    Philox.block(words, dropout.seed(), (int) n, (int) (n >>> 32), step, dropout.site());
    boolean kept = words[(int) (e % 64 / 16)] >>> 8 >= Math.round(dropout.p() * (1 << 24));
    return kept ? 1 / (1 - dropout.p()) : 0;
  }

  private static Dropout dropout(float p, int step) {
    Tensor tensor = new HostRegion().allocate(DType.I32, Shape.of(1));
    tensor.set(step);
    return new Dropout(p, SEED, SITE, tensor);
  }
}

package jambic.tensor.cpu.simd;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.cpu.CpuLoss;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The recipe as a kernel spells it out: a softmax whose normalizer is 1. */
@Tag("width")
class ExponentialTest {
  private static final int GRID = 400_001;

  @Test
  void isWithinItsStatedError() {
    float[] x = new float[GRID];
    for (int i = 0; i < GRID; i++) {
      x[i] = 1 + (Exponential.MIN - 1) * i / (GRID - 1);
    }
    float[] got = exp(x);
    double worst = 0;
    for (int i = 0; i < GRID; i++) {
      double exact = StrictMath.exp(x[i]);
      worst = Math.max(worst, Math.abs(got[i] - exact) / Math.ulp((float) exact));
    }
    assertThat(worst).isLessThan(0.9);
  }

  @Test
  void endsOfTheRange() {
    float[] got =
        exp(
            0f,
            -0f,
            1e-30f,
            88.7f,
            Exponential.MIN,
            Math.nextDown(Exponential.MIN),
            -1000,
            -3e38f,
            Float.NEGATIVE_INFINITY,
            Float.NaN);
    assertThat(got)
        .containsExactly(
            1, 1, 1, got[3], (float) StrictMath.exp(Exponential.MIN), 0, 0, 0, 0, Float.NaN);
    assertThat(got[3] / StrictMath.exp(88.7f)).isBetween(1 - 1e-7, 1 + 1e-7);
  }

  private static float[] exp(float... x) {
    float[] out = new float[x.length];
    CpuLoss.softmaxGradient(out, 0, x, 0, x.length, 0, 0, 1);
    return out;
  }
}

package jambic.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import jambic.tensor.Activation;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The stated largest errors, against the same formulas in double precision. */
@Tag("width")
class GeluTest {
  private static final int GRID = 400_001;

  @Test
  void exactIsWithinItsStatedError() {
    assertThat(worst(Activation.GELU_ERF, x -> x * normal(x))).isLessThan(8e-8);
    assertThat(worstDerivative(Activation.GELU_ERF, x -> normal(x) + x * density(x)))
        .isLessThan(1.5e-7);
  }

  @Test
  void tanhIsWithinItsStatedError() {
    assertThat(worst(Activation.GELU_TANH, x -> x * gate(x))).isLessThan(9e-8);
    assertThat(
            worstDerivative(
                Activation.GELU_TANH,
                x -> gate(x) + x * gate(x) * (1 - gate(x)) * TWO_ROOT * (1 + 3 * 0.044715 * x * x)))
        .isLessThan(1.1e-7);
  }

  @Test
  void siluIsWithinItsStatedError() {
    assertThat(worst(Activation.SILU, x -> x * logistic(x))).isLessThan(1e-7);
    assertThat(
            worstDerivative(
                Activation.SILU, x -> logistic(x) + x * logistic(x) * (1 - logistic(x))))
        .isLessThan(1.5e-7);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void endsOfTheRange(Activation activation) {
    float inf = Float.POSITIVE_INFINITY;
    float[] x = {
      0f, -0f, Float.MIN_VALUE, 1e-30f, 1e30f, 3e38f, inf, -1e30f, -3e38f, -inf, Float.NaN
    };
    float half = activation == Activation.RELU ? 1 : 0.5f;
    float[] expected = {
      0f, -0f, half * Float.MIN_VALUE, half * 1e-30f, 1e30f, 3e38f, inf, 0, 0, 0, Float.NaN
    };
    float[] out = forward(activation, x);
    for (int i = 0; i < x.length; i++) {
      float tolerance = Math.abs(x[i]) < 1 ? 2 * Math.ulp(expected[i]) : 0;
      assertThat(out[i]).as("at %s", x[i]).isEqualTo(expected[i], offset(tolerance));
    }

    float[] slopes = backward(activation, x);
    assertThat(Arrays.copyOfRange(slopes, 4, 10)).containsExactly(1, 1, 1, 0, 0, 0);
    if (activation != Activation.RELU) {
      assertThat(slopes[0]).isEqualTo(0.5f, offset(1e-7f));
      assertThat(slopes[10]).isNaN();
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void aPartialVectorIsComputedAlike(Activation activation) {
    float[] x = new float[70];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 35) / 7f;
    }
    float[] all = forward(activation, x);
    for (int n = 0; n <= x.length; n++) {
      float[] part = new float[x.length];
      CpuActivation.apply(part, 0, x, 0, n, activation);
      assertThat(Arrays.copyOf(part, n)).containsExactly(Arrays.copyOf(all, n));
      assertThat(Arrays.copyOfRange(part, n, part.length)).isEqualTo(new float[part.length - n]);
    }
  }

  private static double worst(Activation activation, DoubleUnaryOperator exact) {
    float[] x = grid();
    return worst(x, forward(activation, x), exact);
  }

  private static double worstDerivative(Activation activation, DoubleUnaryOperator exact) {
    float[] x = grid();
    return worst(x, backward(activation, x), exact);
  }

  private static double worst(float[] x, float[] got, DoubleUnaryOperator exact) {
    double worst = 0;
    for (int i = 0; i < x.length; i++) {
      double error = Math.abs(got[i] - exact.applyAsDouble(x[i])) / Math.max(1, Math.abs(x[i]));
      worst = Math.max(worst, error);
    }
    return worst;
  }

  private static float[] grid() {
    float[] x = new float[GRID];
    for (int i = 0; i < GRID; i++) {
      x[i] = (i - GRID / 2) * 5e-5f; // [-10, 10]
    }
    return x;
  }

  private static float[] forward(Activation activation, float[] x) {
    float[] out = new float[x.length];
    CpuActivation.apply(out, 0, x, 0, x.length, activation);
    return out;
  }

  private static float[] backward(Activation activation, float[] x) {
    float[] ones = new float[x.length];
    Arrays.fill(ones, 1);
    CpuActivation.applyBackward(ones, 0, ones, 0, x, 0, x.length, activation);
    return ones;
  }

  private static final double TWO_ROOT = 2 * Math.sqrt(2 / Math.PI);

  private static double gate(double x) {
    return logistic(TWO_ROOT * (x + 0.044715 * x * x * x));
  }

  private static double logistic(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  private static double density(double x) {
    return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }

  /** The normal distribution: its series near 0, its continued fraction (Laplace) in the tail. */
  private static double normal(double x) {
    double u = Math.abs(x);
    double tail;
    if (u < 4) {
      double term = u;
      double sum = u;
      for (int n = 1; n < 60; n++) {
        term *= u * u / (2 * n + 1);
        sum += term;
      }
      tail = 0.5 - density(u) * sum;
    } else {
      double fraction = 0;
      for (int n = 40; n > 0; n--) {
        fraction = n / (u + fraction);
      }
      tail = density(u) / (u + fraction);
    }
    return x < 0 ? tail : 1 - tail;
  }
}

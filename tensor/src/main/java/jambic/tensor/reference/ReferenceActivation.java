package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;

/** Pointwise nonlinearities and their slopes. */
final class ReferenceActivation implements ActivationKernels {
  private static final double TANH_SCALE = Math.sqrt(2 / Math.PI);
  private static final double TANH_CUBE = 0.044715;

  @Override
  public void forward(Tensor out, Tensor x, Activation activation) {
    float[] os = floats(out);
    float[] xs = floats(x);
    for (int i = 0; i < x.size(); i++) {
      os[offset(out) + i] = (float) value(xs[offset(x) + i], activation);
    }
  }

  @Override
  public void backward(Tensor dx, Tensor dout, Tensor x, Activation activation) {
    float[] dxs = floats(dx);
    float[] douts = floats(dout);
    float[] xs = floats(x);
    for (int i = 0; i < x.size(); i++) {
      dxs[offset(dx) + i] =
          (float) (douts[offset(dout) + i] * slope(xs[offset(x) + i], activation));
    }
  }

  private static double value(double x, Activation activation) {
    return switch (activation) {
      case RELU -> Math.max(0, x);
      case GELU_ERF -> x * normalBelow(x);
      case GELU_TANH -> x * (1 + Math.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x))) / 2;
      case SILU -> x / (1 + Math.exp(-x));
    };
  }

  private static double slope(double x, Activation activation) {
    return switch (activation) {
      case RELU -> x > 0 ? 1 : 0;
      case GELU_ERF -> normalBelow(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      case GELU_TANH -> {
        double t = Math.tanh(TANH_SCALE * (x + TANH_CUBE * x * x * x));
        double dt = (1 - t * t) * TANH_SCALE * (1 + 3 * TANH_CUBE * x * x);
        yield (1 + t + x * dt) / 2;
      }
      case SILU -> {
        double s = 1 / (1 + Math.exp(-x));
        yield s + x * s * (1 - s);
      }
    };
  }

  /** How much of the normal distribution lies below x: {@code erfc(-x / sqrt 2) / 2}. */
  private static double normalBelow(double x) {
    return Erf.complement(-x / Math.sqrt(2)) / 2;
  }
}

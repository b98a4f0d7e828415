package jambic.cuda;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.spi.ActivationKernels;

/** Pointwise nonlinearities. */
final class CudaActivation implements ActivationKernels {
  static final String SOURCE = "activation.cu";

  private final Gpu gpu;

  CudaActivation(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void forward(Tensor out, Tensor x, Activation activation) {
    gpu.kernels(SOURCE, x.dtype())
        .launch(kernel(activation), CudaElementwise.grid(x), out, x, x.size());
  }

  @Override
  public void backward(Tensor dx, Tensor dout, Tensor x, Activation activation) {
    gpu.kernels(SOURCE, x.dtype())
        .launch(kernel(activation) + "Backward", CudaElementwise.grid(x), dx, dout, x, x.size());
  }

  static String kernel(Activation activation) {
    return switch (activation) {
      case RELU -> "relu";
      case GELU_ERF -> "geluErf";
      case GELU_TANH -> "geluTanh";
      case SILU -> "silu";
    };
  }
}

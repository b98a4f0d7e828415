package jambic.tensor.spi;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;

/** Pointwise nonlinearities; all tensors have the same size. */
public interface ActivationKernels {
  /**
   * {@code out = activation(x)}.
   *
   * @param out overwritten; may be {@code x}
   * @param x the input
   * @param activation the function
   */
  void forward(Tensor out, Tensor x, Activation activation);

  /**
   * {@code dx = dout * activation'(x)}; the derivative of ReLU at 0 is 0.
   *
   * @param dx overwritten; may be {@code dout}
   * @param dout the gradient of the output
   * @param x the input of the forward pass
   * @param activation the function
   */
  void backward(Tensor dx, Tensor dout, Tensor x, Activation activation);
}

package jambic.model.nn;

import jambic.tensor.Activation;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;
import java.util.Optional;

/**
 * A linear layer, {@code y = x Wᵀ + b}, perhaps with a low-rank adapter beside its weight.
 *
 * @param weight (out, in)
 * @param bias (out), or none
 * @param adapter what fine-tuning adds to the weight, if anything
 */
public record Linear(Tensor weight, Tensor bias, Optional<LoraAdapter> adapter) {
  /**
   * Computes the layer.
   *
   * @param ops how to compute
   * @param x (..., in)
   * @return (..., out)
   */
  public Tensor forward(Ops ops, Tensor x) {
    Tensor y = ops.linear(x, weight, bias);
    return adapter.isPresent() ? adapter.get().addTo(ops, y, x) : y;
  }

  /**
   * Computes the layer and a nonlinearity behind it.
   *
   * @param ops how to compute
   * @param x (..., in)
   * @param activation the nonlinearity
   * @return (..., out)
   */
  public Tensor forward(Ops ops, Tensor x, Activation activation) {
    return adapter.isPresent()
        ? ops.activate(forward(ops, x), activation)
        : ops.linear(x, weight, bias, activation);
  }
}

package jambic.model.nn;

import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * Layer normalization (Ba et al., 2016): each row gets mean 0 and variance 1, then a gain and a
 * bias.
 *
 * @param weight (C), the gain
 * @param bias (C), or none
 * @param eps what is added to the variance
 */
public record LayerNorm(Tensor weight, Tensor bias, float eps) {
  /**
   * Computes the layer.
   *
   * @param ops how to compute
   * @param x (..., C)
   * @return (..., C)
   */
  public Tensor forward(Ops ops, Tensor x) {
    return ops.layerNorm(x, weight, bias, eps);
  }
}

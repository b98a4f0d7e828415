package jambic.model.nn;

import jambic.tensor.Activation;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * The MLP of a block: two linear layers with a nonlinearity between them.
 *
 * @param up (inner, C)
 * @param activation the nonlinearity
 * @param down (C, inner)
 * @param dropout probability of zeroing an element between them in training
 */
public record FeedForward(Linear up, Activation activation, Linear down, float dropout) {
  /**
   * Computes the layer.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x) {
    Tensor h = up.forward(ops, x, activation); // (B, T, inner)
    return down.forward(ops, ops.dropout(h, dropout)); // (B, T, C)
  }
}

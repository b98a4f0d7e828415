package jambic.model.nn;

import jambic.tensor.Ops;
import jambic.tensor.Tensor;
import java.util.function.UnaryOperator;

/**
 * A residual connection and its layer normalization: {@code norm(x + f(x))} as in Vaswani et al.
 * (2017), or {@code x + f(norm(x))} as in GPT-2.
 *
 * @param norm the normalization
 * @param preNorm whether it comes before the branch
 * @param dropout probability of zeroing an element of the branch in training
 */
public record Sublayer(LayerNorm norm, boolean preNorm, float dropout) {
  /**
   * Computes a branch and what stands around it.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @param branch f
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x, UnaryOperator<Tensor> branch) {
    if (preNorm) {
      return ops.residual(x, branch.apply(norm.forward(ops, x)), dropout);
    }
    return norm.forward(ops, ops.residual(x, branch.apply(x), dropout));
  }
}

package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Softmax cross-entropy over N rows of V logits. Rows whose target is -1 do not count; other
 * targets out of range are refused as {@link Backend} says. {@link Region#allocatePadded} may have
 * made the logits; as a gradient their padding becomes zero.
 */
public interface LossKernels {
  /**
   * The mean over counted rows of {@code lse - (1 - smoothing) * logit[target] - smoothing *
   * mean(logits)}; 0 when no row counts.
   *
   * @param loss (1), overwritten
   * @param lse (N), overwritten: the logarithm of each row's sum of exponentials
   * @param logits (N, V)
   * @param targets I32 (N), each in [0, V) or -1
   * @param smoothing label smoothing (Szegedy et al., 2016), in [0, 1)
   */
  void crossEntropy(Tensor loss, Tensor lse, Tensor logits, Tensor targets, float smoothing);

  /**
   * The gradient of {@link #crossEntropy}.
   *
   * @param dlogits (N, V), overwritten; may be {@code logits}
   * @param dloss (1)
   * @param lse (N)
   * @param logits (N, V)
   * @param targets I32 (N)
   * @param smoothing as in the forward pass
   */
  void crossEntropyBackward(
      Tensor dlogits, Tensor dloss, Tensor lse, Tensor logits, Tensor targets, float smoothing);
}

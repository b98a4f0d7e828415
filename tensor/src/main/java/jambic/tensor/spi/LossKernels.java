package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Softmax cross-entropy and log-probabilities over N rows of V logits. Rows whose target is -1 do
 * not count; other targets out of range are refused as {@link Backend} says. {@link
 * Region#allocatePadded} may have made the logits; as a gradient their padding becomes zero.
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

  /**
   * Each row's log-probability of its target under {@code softmax(logits / temperature)}: {@code
   * logit[target] / temperature - lse}; 0 for a row that does not count. With a temperature of 1
   * and no smoothing, {@link #crossEntropy} is the mean of it over the counted rows, negated.
   *
   * @param out (N), overwritten
   * @param lse (N), overwritten: the logarithm of each row's sum of {@code exp(logit /
   *     temperature)}
   * @param logits (N, V)
   * @param targets I32 (N), each in [0, V) or -1
   * @param temperature above 0
   */
  void logProbs(Tensor out, Tensor lse, Tensor logits, Tensor targets, float temperature);

  /**
   * The gradient of {@link #logProbs}: {@code dlogits = dout (onehot(target) - softmax(logits /
   * temperature)) / temperature}, row by row; 0 for a row that does not count, whatever its {@code
   * dout}.
   *
   * @param dlogits (N, V), overwritten; may be {@code logits}
   * @param dout (N)
   * @param lse (N)
   * @param logits (N, V)
   * @param targets I32 (N)
   * @param temperature as in the forward pass
   */
  void logProbsBackward(
      Tensor dlogits, Tensor dout, Tensor lse, Tensor logits, Tensor targets, float temperature);
}

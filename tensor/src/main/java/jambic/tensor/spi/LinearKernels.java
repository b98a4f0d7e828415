package jambic.tensor.spi;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;

/**
 * Matrix products of a linear layer. Inputs of any rank are seen as (M, K) matrices of rows; {@code
 * w} is (N, K) as in PyTorch's {@code Linear}. All tensors are contiguous and, but where said, an
 * output overlaps no other tensor; two inputs may be the same one, as in {@code x xᵀ}. Only {@code
 * out} of {@link #forward} and {@code dout} may have rows with padding between ({@link
 * Region#allocatePadded}): of {@code out} it may be overwritten, of {@code dout} it is zero.
 */
public interface LinearKernels {
  /** Up to so many rows, {@link #forward} may sum in another order than for more. */
  int FEW_ROWS = 8;

  /**
   * {@code out = x wᵀ + b}. The bits of a row depend on that row alone, but for whether there are
   * more than {@link #FEW_ROWS}; a backend whose libraries choose by size may differ in the last
   * bits, and says so.
   *
   * @param out (M, N), overwritten
   * @param x (M, K)
   * @param w (N, K)
   * @param b (N), or none
   */
  void forward(Tensor out, Tensor x, Tensor w, Tensor b);

  /**
   * {@link #forward} for decoding, where few rows meet many weights: the bits of a row depend on
   * that row alone, be there one or a hundred.
   *
   * @param out (M, N), overwritten
   * @param x (M, K)
   * @param w (N, K)
   * @param b (N), or none
   */
  default void decode(Tensor out, Tensor x, Tensor w, Tensor b) {
    forward(out, x, w, b);
  }

  /**
   * {@link #decode} where there are mostly dozens of rows or more: the bits of a row depend on that
   * row alone here too, but may be others than {@link #decode}'s.
   *
   * @param out (M, N), overwritten
   * @param x (M, K)
   * @param w (N, K)
   * @param b (N), or none
   */
  default void decodeMany(Tensor out, Tensor x, Tensor w, Tensor b) {
    decode(out, x, w, b);
  }

  /**
   * {@code pre = x wᵀ + b, out = activation(pre)}.
   *
   * @param out (M, N), overwritten
   * @param pre (M, N), overwritten; the same tensor as {@code out} when nobody needs it
   * @param x (M, K)
   * @param w (N, K)
   * @param b (N), or none
   * @param activation what is applied to each element
   */
  void forwardActivated(
      Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation);

  /**
   * The part of {@link #forwardActivated}'s gradient that is not a linear layer's: {@code dpre =
   * dout * activation'(pre)}, and {@code db} = column sums of {@code dpre}, or {@code +=}.
   *
   * @param dpre (M, N), overwritten; may be {@code dout}
   * @param db (N), or none
   * @param dout (M, N)
   * @param pre (M, N)
   * @param activation as in the forward pass
   * @param accumulate whether to add to {@code db}
   */
  void backwardActivated(
      Tensor dpre, Tensor db, Tensor dout, Tensor pre, Activation activation, boolean accumulate);

  /**
   * {@code dx = dout w}, or {@code dx += dout w}.
   *
   * @param dx (M, K)
   * @param dout (M, N)
   * @param w (N, K)
   * @param accumulate whether to add to {@code dx}
   */
  void backwardInput(Tensor dx, Tensor dout, Tensor w, boolean accumulate);

  /**
   * {@code dw = doutᵀ x, db = column sums of dout}, or {@code +=} of both.
   *
   * @param dw (N, K), or none
   * @param db (N), or none
   * @param dout (M, N)
   * @param x (M, K)
   * @param accumulate whether to add to {@code dw} and {@code db}
   */
  void backwardWeight(Tensor dw, Tensor db, Tensor dout, Tensor x, boolean accumulate);
}

package jambic.tensor.spi;

import jambic.tensor.Tensor;

/** Layer normalization (Ba, Kiros and Hinton, 2016) over the innermost extent C, of R rows. */
public interface NormKernels {
  /**
   * {@code out = (x - mean) * rstd * g + b} with {@code rstd = 1 / sqrt(variance + eps)}, the
   * variance biased.
   *
   * @param out (R, C), overwritten
   * @param mean (R), overwritten
   * @param rstd (R), overwritten
   * @param x (R, C)
   * @param g (C)
   * @param b (C), or none
   * @param eps added to the variance
   */
  void forward(Tensor out, Tensor mean, Tensor rstd, Tensor x, Tensor g, Tensor b, float eps);

  /**
   * The gradients of {@link #forward}.
   *
   * @param dx (R, C), overwritten or added to; may be {@code dout} when overwritten
   * @param dg (C), added to, or none
   * @param db (C), added to, or none
   * @param dout (R, C)
   * @param x (R, C)
   * @param g (C)
   * @param mean (R)
   * @param rstd (R)
   * @param accumulate whether to add to {@code dx}
   */
  void backward(
      Tensor dx,
      Tensor dg,
      Tensor db,
      Tensor dout,
      Tensor x,
      Tensor g,
      Tensor mean,
      Tensor rstd,
      boolean accumulate);
}

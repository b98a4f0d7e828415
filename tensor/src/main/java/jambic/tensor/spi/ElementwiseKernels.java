package jambic.tensor.spi;

import jambic.tensor.Tensor;
import java.util.List;

/** Sums, products, copies and dropout; the tensors of a call have the same size. */
public interface ElementwiseKernels {
  /**
   * Sets every element of every tensor.
   *
   * @param outs overwritten
   * @param value what they become
   */
  void fill(List<Tensor> outs, float value);

  /**
   * {@code out = a + b}.
   *
   * @param out overwritten; may be {@code a} or {@code b}
   * @param a a summand
   * @param b a summand
   */
  void add(Tensor out, Tensor a, Tensor b);

  /**
   * {@code out = factor x}; applied to a gradient it is its own backward.
   *
   * @param out overwritten; may be {@code x}
   * @param x the input
   * @param factor what each element is multiplied by
   */
  void scale(Tensor out, Tensor x, float factor);

  /**
   * {@code out = a b}, element by element. Its gradients are {@code multiply} of {@code dout} and
   * the other factor.
   *
   * @param out overwritten; may be {@code a} or {@code b}
   * @param a a factor
   * @param b a factor
   */
  void multiply(Tensor out, Tensor a, Tensor b);

  /**
   * {@code out = dropout(x)}; applied to a gradient it is its own backward.
   *
   * @param out overwritten; may be {@code x}
   * @param x the input
   * @param dropout the mask; none makes this a copy
   */
  void dropout(Tensor out, Tensor x, Dropout dropout);

  /**
   * {@code out = x + dropout(y)}: a residual connection. Its gradients are {@code dout} itself and
   * {@link #dropout} of {@code dout}.
   *
   * @param out overwritten; may be {@code x} or {@code y}
   * @param x the skipped path
   * @param y the branch
   * @param dropout the mask, or none
   */
  void residual(Tensor out, Tensor x, Tensor y, Dropout dropout);
}

package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Rows by their index: token and position embeddings, and rows of activations. Ids, starts and
 * indices out of range are refused as {@link Backend} says.
 */
public interface EmbeddingKernels {
  /**
   * {@code out[b, t] = scale * wte[ids[b, t]] + wpe[start[b] + t]}, rounded once.
   *
   * @param out (B, T, C), overwritten
   * @param ids I32 (B, T)
   * @param wte (V, C): weights, or without positions activations, of which rows are looked up
   * @param wpe (P, C), or none for no positions
   * @param starts I32 (B): the position of each row's first token, or none for 0
   * @param scale what rows of {@code wte} are multiplied by: 1, or sqrt(C) as in Vaswani et al.
   *     (2017), section 3.4; 1 where {@code wte} holds activations
   */
  void forward(Tensor out, Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale);

  /**
   * The gradients of both tables, with positions from 0. A token that occurs twice adds twice, in
   * order of its occurrence.
   *
   * @param dwte (V, C), added to, or none
   * @param dwpe (P, C), added to, or none
   * @param dout (B, T, C)
   * @param ids I32 (B, T)
   * @param scale as in {@link #forward}: {@code dwte} gets {@code scale * dout}
   */
  void backward(Tensor dwte, Tensor dwpe, Tensor dout, Tensor ids, float scale);

  /**
   * {@code out[m] = x[index[m]]}. Tensors of any rank are seen as rows of C numbers.
   *
   * @param out (M, C), overwritten
   * @param x (N, C), activations
   * @param index I32 (M), each in [0, N); any may occur again
   */
  void rows(Tensor out, Tensor x, Tensor index);

  /**
   * The gradient of {@link #rows}: {@code dx[n]} = the sum of {@code dout[m]} over all m with
   * {@code index[m] = n}, in order of m, or {@code +=} of it. Rows that no index names get zeros,
   * or nothing.
   *
   * @param dx (N, C)
   * @param dout (M, C)
   * @param index I32 (M)
   * @param accumulate whether to add to {@code dx}
   */
  void rowsBackward(Tensor dx, Tensor dout, Tensor index, boolean accumulate);
}

package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Weights in 8 bits, for inference: row i of a matrix is its integers, in [-127, 127], times {@code
 * scales[i]}; everything else is in 32 bits. Tensors are contiguous and do not overlap.
 */
public interface QuantizedKernels {
  /**
   * Rounds weights: {@code scales[i] = max|w[i]| / 127}, {@code out[i, j] = w[i, j] / scales[i]}
   * rounded to the nearest integer, ties to the even one, so that no weight is off by more than
   * half its row's scale. A row whose scale is 0 becomes zeros.
   *
   * @param out I8 (N, K), overwritten
   * @param scales (N), overwritten
   * @param w (N, K)
   */
  void quantize(Tensor out, Tensor scales, Tensor w);

  /**
   * {@code out[m, n] = scales[n] (x wᵀ)[m, n] + b[n]}.
   *
   * @param out (M, N), overwritten
   * @param x (M, K)
   * @param w I8 (N, K)
   * @param scales (N)
   * @param b (N), or none
   */
  void linear(Tensor out, Tensor x, Tensor w, Tensor scales, Tensor b);

  /**
   * {@code out[b, t] = scales[id] wte[id] + wpe[start[b] + t]} with {@code id = ids[b, t]}.
   *
   * @param out (B, T, C), overwritten
   * @param ids I32 (B, T), each in [0, V)
   * @param wte I8 (V, C)
   * @param scales (V)
   * @param wpe (P, C), or none for no positions
   * @param starts I32 (B): the position of each row's first token, or none for 0
   */
  void embed(Tensor out, Tensor ids, Tensor wte, Tensor scales, Tensor wpe, Tensor starts);
}

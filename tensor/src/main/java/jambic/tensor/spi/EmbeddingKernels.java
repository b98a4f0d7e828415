package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * Token and position embeddings. Ids and starts out of range are refused as {@link Backend} says.
 */
public interface EmbeddingKernels {
  /**
   * {@code out[b, t] = wte[ids[b, t]] + wpe[start[b] + t]}.
   *
   * @param out (B, T, C), overwritten
   * @param ids I32 (B, T)
   * @param wte (V, C): weights, or without positions activations, of which rows are looked up
   * @param wpe (P, C), or none for no positions
   * @param starts I32 (B): the position of each row's first token, or none for 0
   */
  void forward(Tensor out, Tensor ids, Tensor wte, Tensor wpe, Tensor starts);

  /**
   * The gradients of both tables, with positions from 0. A token that occurs twice adds twice, in
   * order of its occurrence.
   *
   * @param dwte (V, C), added to, or none
   * @param dwpe (P, C), added to, or none
   * @param dout (B, T, C)
   * @param ids I32 (B, T)
   */
  void backward(Tensor dwte, Tensor dwpe, Tensor dout, Tensor ids);
}

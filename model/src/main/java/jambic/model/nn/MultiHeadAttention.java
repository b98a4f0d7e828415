package jambic.model.nn;

import jambic.tensor.InferenceOps;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * Multi-head self-attention (Vaswani et al., 2017): each token attends to all of its sequence, or
 * to itself and those before it.
 *
 * @param qkv (3C, C): makes queries, keys and values, side by side
 * @param proj (C, C): mixes the heads' results
 * @param heads H, a divisor of C
 * @param scale what the products of queries and keys are multiplied by, mostly {@code 1 / sqrt(C /
 *     H)}
 * @param causal whether a token sees none behind it
 * @param dropout probability of zeroing an attention weight in training
 */
public record MultiHeadAttention(
    Linear qkv, Linear proj, int heads, float scale, boolean causal, float dropout) {
  /**
   * Computes the layer over whole sequences.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x) {
    return forward(ops, x, Tensor.NONE);
  }

  /**
   * Computes the layer over sequences that are padded.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @param lengths I32 (B), each in [1, T]: tokens at or past it are padding, which none attends to
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x, Tensor lengths) {
    Tensor packed = qkv.forward(ops, x); // (B, T, 3C)
    Tensor y = ops.selfAttention(packed, lengths, heads, causal, scale, dropout); // (B, T, C)
    return proj.forward(ops, y);
  }

  /**
   * Computes the causal layer over sequences that lie side by side without padding.
   *
   * @param ops how to compute
   * @param x (R, C)
   * @param packing which tokens belong together
   * @return (R, C)
   */
  public Tensor forward(Ops ops, Tensor x, TokenPacking packing) {
    Tensor padded = ops.rows(qkv.forward(ops, x), packing.padded()); // (B, T, 3C)
    Tensor y = ops.selfAttention(padded, Tensor.NONE, heads, causal, scale, dropout); // (B, T, C)
    return proj.forward(ops, ops.rows(y, packing.packed()));
  }

  /**
   * Computes the causal layer over tokens that follow cached ones, and adds their keys and values
   * to the cache.
   *
   * @param ops how to compute
   * @param x (R, 1, C)
   * @param cache keys and values of earlier positions
   * @param layer which of the cache's layers this is
   * @param batch where the tokens belong
   * @return (R, 1, C)
   */
  public Tensor forward(InferenceOps ops, Tensor x, KvCache cache, int layer, PackedBatch batch) {
    Tensor packed = qkv.forward(ops, x); // (R, 1, 3C)
    Tensor y =
        ops.pagedAttention(
            packed,
            cache.keys(layer),
            cache.values(layer),
            batch.rows(),
            batch.starts(),
            batch.pages(),
            heads,
            scale); // (R, 1, C)
    return proj.forward(ops, y);
  }

  /**
   * Computes how much each token of one sequence attends to each, by the causal layer.
   *
   * @param ops how to compute
   * @param x (1, T, C)
   * @return (H, T, T)
   */
  public AttentionWeights weights(InferenceOps ops, Tensor x) {
    float[] packed = qkv.forward(ops, x).toFloats(); // (T, 3C)
    return AttentionWeights.causal(packed, heads, x.dim(1), scale);
  }
}

package jambic.model.nn;

import jambic.tensor.InferenceOps;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * A block of the decoder, normalized before each branch as in GPT-2: attention, then an MLP.
 *
 * @param ln1 before attention
 * @param attn tokens attend to each other
 * @param ln2 before the MLP
 * @param mlp each token computes by itself
 * @param dropout probability of zeroing an element of a branch in training
 */
public record TransformerBlock(
    LayerNorm ln1, MultiHeadAttention attn, LayerNorm ln2, FeedForward mlp, float dropout) {
  /**
   * Computes the block over whole sequences.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x) {
    // x + dropout(attn(ln1(x))), then x + dropout(mlp(ln2(x)))
    x = ops.residual(x, attn.forward(ops, ln1.forward(ops, x)), dropout);
    return ops.residual(x, mlp.forward(ops, ln2.forward(ops, x)), dropout);
  }

  /**
   * Computes the block over sequences that lie side by side without padding.
   *
   * @param ops how to compute
   * @param x (R, C)
   * @param packing which tokens belong together
   * @return (R, C)
   */
  public Tensor forward(Ops ops, Tensor x, TokenPacking packing) {
    x = ops.residual(x, attn.forward(ops, ln1.forward(ops, x), packing), dropout);
    return ops.residual(x, mlp.forward(ops, ln2.forward(ops, x)), dropout);
  }

  /**
   * Computes the block over tokens that follow cached ones.
   *
   * @param ops how to compute
   * @param x (R, 1, C)
   * @param cache keys and values of earlier positions, extended
   * @param layer which of the cache's layers this is
   * @param batch where the tokens belong
   * @return (R, 1, C)
   */
  public Tensor forward(InferenceOps ops, Tensor x, KvCache cache, int layer, PackedBatch batch) {
    x = ops.residual(x, attn.forward(ops, ln1.forward(ops, x), cache, layer, batch), 0);
    return ops.residual(x, mlp.forward(ops, ln2.forward(ops, x)), 0);
  }
}

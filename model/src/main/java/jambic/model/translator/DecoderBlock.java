package jambic.model.translator;

import jambic.model.nn.CrossAttention;
import jambic.model.nn.FeedForward;
import jambic.model.nn.KvCache;
import jambic.model.nn.MultiHeadAttention;
import jambic.model.nn.PackedBatch;
import jambic.model.nn.Sublayer;
import jambic.tensor.InferenceOps;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * A block of the decoder: tokens attend to those before them, then to the encoder's output, then an
 * MLP.
 *
 * @param attn with a causal mask
 * @param attnSublayer what stands around it
 * @param cross to the encoder's output
 * @param crossSublayer what stands around it
 * @param mlp each token computes by itself
 * @param mlpSublayer what stands around it
 */
record DecoderBlock(
    MultiHeadAttention attn,
    Sublayer attnSublayer,
    CrossAttention cross,
    Sublayer crossSublayer,
    FeedForward mlp,
    Sublayer mlpSublayer) {
  /**
   * Computes the block over whole targets.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @param memory (B, S, C): the encoder's output
   * @param lengths I32 (B): how much of it is not padding, or none
   * @return (B, T, C)
   */
  Tensor forward(Ops ops, Tensor x, Tensor memory, Tensor lengths) {
    x = attnSublayer.forward(ops, x, y -> attn.forward(ops, y));
    x =
        crossSublayer.forward(
            ops, x, y -> cross.forward(ops, y, cross.keysAndValues(ops, memory), lengths));
    return mlpSublayer.forward(ops, x, y -> mlp.forward(ops, y));
  }

  /**
   * Computes the queries of the attention to the encoder's output.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @return (B, T, C)
   */
  Tensor crossQueries(Ops ops, Tensor x) {
    x = attnSublayer.forward(ops, x, y -> attn.forward(ops, y));
    return cross
        .q()
        .forward(ops, crossSublayer.preNorm() ? crossSublayer.norm().forward(ops, x) : x);
  }

  /**
   * Computes the block over tokens that follow cached ones.
   *
   * @param ops how to compute
   * @param x (R, 1, C): the newest token of each hypothesis; those of a sentence follow each other
   * @param cache keys and values of earlier positions, extended
   * @param layer which of the cache's layers this is
   * @param batch where the tokens belong
   * @param keysAndValues (B, S, 2C) of B sentences, R a multiple of B
   * @param lengths I32 (B): how much of it is not padding
   * @return (R, 1, C)
   */
  Tensor forward(
      InferenceOps ops,
      Tensor x,
      KvCache cache,
      int layer,
      PackedBatch batch,
      Tensor keysAndValues,
      Tensor lengths) {
    x = attnSublayer.forward(ops, x, y -> attn.forward(ops, y, cache, layer, batch));
    x = crossSublayer.forward(ops, x, y -> cross.forwardOfBeams(ops, y, keysAndValues, lengths));
    return mlpSublayer.forward(ops, x, y -> mlp.forward(ops, y));
  }
}

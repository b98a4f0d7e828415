package jambic.model.translator;

import jambic.model.nn.FeedForward;
import jambic.model.nn.MultiHeadAttention;
import jambic.model.nn.Sublayer;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * A block of the encoder: every token attends to all others of its sentence, then an MLP.
 *
 * @param attn without a causal mask
 * @param attnSublayer what stands around it
 * @param mlp each token computes by itself
 * @param mlpSublayer what stands around it
 */
record EncoderBlock(
    MultiHeadAttention attn, Sublayer attnSublayer, FeedForward mlp, Sublayer mlpSublayer) {
  /** Computes the block: x (B, S, C), lengths I32 (B) or none; returns (B, S, C). */
  Tensor forward(Ops ops, Tensor x, Tensor lengths) {
    x = attnSublayer.forward(ops, x, y -> attn.forward(ops, y, lengths));
    return mlpSublayer.forward(ops, x, y -> mlp.forward(ops, y));
  }
}

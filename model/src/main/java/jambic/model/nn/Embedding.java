package jambic.model.nn;

import jambic.tensor.InferenceOps;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * Token embeddings plus position embeddings, learned or computed.
 *
 * @param tokens (V, C)
 * @param positions (P, C), or none
 * @param scale what token embeddings are multiplied by
 */
public record Embedding(Tensor tokens, Tensor positions, float scale) {
  /**
   * Looks up sequences that start at position 0.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most P, each in [0, V)
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor ids) {
    return ops.embed(ids, tokens, positions, scale);
  }

  /**
   * Looks up tokens that stand at any positions.
   *
   * @param ops how to compute
   * @param batch R tokens and where each stands
   * @return (R, 1, C)
   */
  public Tensor forward(InferenceOps ops, PackedBatch batch) {
    return ops.embedAt(batch.ids(), tokens, positions, batch.positions(), scale);
  }
}

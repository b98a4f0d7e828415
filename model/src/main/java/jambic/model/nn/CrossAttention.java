package jambic.model.nn;

import jambic.tensor.InferenceOps;
import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * Multi-head attention to another sequence (Vaswani et al., 2017, section 3.2.3): queries come from
 * the decoder, keys and values from the encoder's output.
 *
 * @param q (C, C): makes queries
 * @param kv (2C, C): makes keys and values, side by side
 * @param proj (C, C): mixes the heads' results
 * @param heads H, a divisor of C
 * @param dropout probability of zeroing an attention weight in training
 */
public record CrossAttention(Linear q, Linear kv, Linear proj, int heads, float dropout) {
  /**
   * Computes the keys and values, which are the same for every query.
   *
   * @param ops how to compute
   * @param memory (B, S, C): the encoder's output
   * @return (B, S, 2C)
   */
  public Tensor keysAndValues(Ops ops, Tensor memory) {
    return kv.forward(ops, memory);
  }

  /**
   * Computes the layer.
   *
   * @param ops how to compute
   * @param x (B, T, C)
   * @param keysAndValues (B, S, 2C), as {@link #keysAndValues} makes them
   * @param lengths I32 (B), each in [1, S]: keys at or past it are padding, which none attends to;
   *     or none
   * @return (B, T, C)
   */
  public Tensor forward(Ops ops, Tensor x, Tensor keysAndValues, Tensor lengths) {
    Tensor y = ops.attention(q.forward(ops, x), keysAndValues, lengths, heads, false, dropout);
    return proj.forward(ops, y);
  }

  /**
   * Computes the layer for several hypotheses of each sentence, which share its keys and values.
   *
   * @param ops how to compute
   * @param x (R, 1, C), R a multiple of B; those of a sentence follow each other
   * @param keysAndValues (B, S, 2C)
   * @param lengths I32 (B), each in [1, S]; or none
   * @return (R, 1, C)
   */
  public Tensor forwardOfBeams(InferenceOps ops, Tensor x, Tensor keysAndValues, Tensor lengths) {
    Tensor y = ops.crossAttention(q.forward(ops, x), keysAndValues, lengths, heads); // (R, 1, C)
    return proj.forward(ops, y);
  }
}

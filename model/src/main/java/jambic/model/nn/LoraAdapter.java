package jambic.model.nn;

import jambic.tensor.Ops;
import jambic.tensor.Tensor;

/**
 * The adapter of one linear layer, made of linear layers itself.
 *
 * @param a (rank, in)
 * @param b (out, rank)
 * @param scale what their product is multiplied by
 * @param dropout probability of zeroing an input of A in training
 */
public record LoraAdapter(Tensor a, Tensor b, float scale, float dropout) {
  /** How the name of A ends. */
  public static final String A = ".lora_A.weight";

  /** How the name of B ends. */
  public static final String B = ".lora_B.weight";

  /**
   * Adds the adapter of a layer.
   *
   * @param lora its rank and scale
   * @param adapters where A and B are added
   * @param layer its name, as {@code h.0.attn.c_attn}
   * @param weight (out, in)
   * @return the adapter, its weights undefined
   */
  public static LoraAdapter of(LoraConfig lora, Parameters adapters, String layer, Tensor weight) {
    int rank = lora.layers().rank(layer);
    return new LoraAdapter(
        adapters.add(layer + A, rank, weight.dim(1)),
        adapters.add(layer + B, weight.dim(0), rank),
        lora.layers().scale(layer),
        lora.layers().dropout());
  }

  /** Returns {@code y + scale · B(A(dropout(x)))}: x (..., in), y (..., out). */
  Tensor addTo(Ops ops, Tensor y, Tensor x) {
    Tensor low = ops.linear(ops.dropout(x, dropout), a, Tensor.NONE); // (..., rank)
    Tensor scaled = ops.scale(low, scale); // (..., rank)
    return ops.residual(y, ops.linear(scaled, b, Tensor.NONE), 0); // (..., out)
  }

  /**
   * Adds {@code scale · B A} to a weight.
   *
   * @param w (out, in), added to
   * @param a (rank, in)
   * @param b (out, rank)
   * @param rank of the update
   * @param scale of the product
   */
  public static void merge(float[] w, float[] a, float[] b, int rank, float scale) {
    int in = a.length / rank;
    for (int row = 0; row < b.length / rank; row++) {
      for (int k = 0; k < rank; k++) {
        float factor = scale * b[row * rank + k];
        for (int column = 0; column < in; column++) {
          w[row * in + column] += factor * a[k * in + column];
        }
      }
    }
  }
}

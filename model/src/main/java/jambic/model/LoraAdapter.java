package jambic.model;

import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;

/**
 * The adapter of one linear layer. It is made of linear layers itself, the scale too: multiplying
 * by the constant {@code scale · I} takes rank² products a token, nothing beside the others.
 *
 * @param a (rank, in)
 * @param b (out, rank)
 * @param scaling (rank, rank), not trained
 * @param dropout probability of zeroing an input of A in training
 */
record LoraAdapter(Tensor a, Tensor b, Tensor scaling, float dropout) {
  /** The ends of the names of A and B. */
  static final String A = ".lora_A.weight";

  static final String B = ".lora_B.weight";

  /** The adapter of a layer whose weight is (out, in). */
  static LoraAdapter of(
      Lora lora, Region region, Parameters adapters, String layer, Tensor weight) {
    int rank = lora.layers().rank(layer);
    Tensor scaling = region.allocate(DType.F32, Shape.of(rank, rank));
    float[] diagonal = new float[rank * rank];
    for (int i = 0; i < rank; i++) {
      diagonal[i * rank + i] = lora.layers().scale(layer);
    }
    scaling.set(diagonal);
    return new LoraAdapter(
        adapters.add(layer + A, rank, weight.dim(1)),
        adapters.add(layer + B, weight.dim(0), rank),
        scaling,
        lora.layers().dropout());
  }

  /** What the layer computes of x (..., in), given what its weight makes of it, y (..., out). */
  Tensor addTo(Ops ops, Tensor y, Tensor x) {
    Tensor low = ops.linear(ops.dropout(x, dropout), a, Tensor.NONE); // (..., rank)
    Tensor scaled = ops.linear(low, scaling, Tensor.NONE); // (..., rank)
    return ops.residual(y, ops.linear(scaled, b, Tensor.NONE), 0); // (..., out)
  }

  /** Adds {@code scale · B A} to a weight: W (out, in), A (rank, in), B (out, rank). */
  static void merge(float[] w, float[] a, float[] b, int rank, float scale) {
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

package jambic.tensor;

import java.util.Arrays;
import java.util.List;

/** How the lookups of {@link Ops} are computed, and their derivatives. */
final class Embeddings {
  private Embeddings() {}

  /** As {@link Ops#embed(Tensor, Tensor, Tensor, float)}, with positions that start anywhere. */
  static Tensor embed(Ops ops, Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale) {
    Checks.require(
        ids.dtype() == DType.I32 && ids.shape().rank() == 2,
        "embed: ids must be I32 (B, T), got %s",
        ids);
    Checks.require(wte.shape().rank() == 2, "embed: wte must be (V, C), got %s", wte);
    Checks.integers("embed", ids, starts);
    Checks.table(ops, "embed", wte);
    Checks.weights(ops, "embed", wpe);
    Checks.require(
        wpe.isNone()
            || wpe.shape().rank() == 2 && wpe.dim(1) == wte.dim(1) && wpe.dim(0) >= ids.dim(1),
        "embed: ids %s and wte %s need wpe of at least as many positions and the same width, got %s",
        ids,
        wte,
        wpe);
    Checks.scale("embed", scale);
    Tensor out = ops.activations(Shape.of(ids.dim(0), ids.dim(1), wte.dim(1)));
    if (ops.isQuantized(wte)) {
      Checks.require(
          scale == 1, "embed: a table of 8 bits is not scaled, got a scale of %s", scale);
      ops.launch(
          "quantized.embed",
          () -> ops.backend().quantized().embed(out, ids, wte, wte.scales(), wpe, starts));
      return out;
    }
    ops.launch(
        "embedding.forward",
        () -> ops.backend().embedding().forward(out, ids, wte, wpe, starts, scale));
    ops.record(
        out,
        false,
        List.of(),
        List.of(wte, wpe),
        (tape, dout) ->
            tape.launchBack(
                "embedding.backward",
                () ->
                    ops.backend().embedding().backward(wte.grad(), wpe.grad(), dout, ids, scale)));
    return out;
  }

  /** As {@link Ops#rows}. */
  static Tensor rows(Ops ops, Tensor x, Tensor index) {
    Checks.activations(ops, "rows", x);
    Checks.integers("rows", index);
    Checks.require(!index.isNone(), "rows: needs I32 (M), got none");
    int[] dims = Arrays.copyOf(index.shape().toArray(), index.shape().rank() + 1);
    dims[dims.length - 1] = x.dim(-1);
    Tensor out = ops.activations(Shape.of(dims));
    ops.launch("embedding.rows", () -> ops.backend().embedding().rows(out, x, index));
    ops.record(
        out,
        false,
        List.of(),
        List.of(x),
        (tape, dout) ->
            tape.into(
                "embedding.rowsBackward",
                x,
                (dx, add) -> ops.backend().embedding().rowsBackward(dx, dout, index, add)));
    return out;
  }
}

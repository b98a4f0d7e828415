package jambic.tensor;

import jambic.tensor.text.Text;

/**
 * What operations refuse at the door, with one sentence: which operation, what it needs, what it
 * got.
 */
final class Checks {
  private Checks() {}

  static void require(boolean holds, String message, Object... arguments) {
    if (!holds) {
      throw new ShapeException(Text.format(message, arguments));
    }
  }

  /** Inputs are contiguous, live, and of the type that the backend computes with. */
  static void activations(Ops ops, String op, Tensor... inputs) {
    activationType(ops, op, inputs);
    contiguous(op, inputs);
  }

  private static void activationType(Ops ops, String op, Tensor... inputs) {
    DType type = ops.backend().activationType();
    for (Tensor x : inputs) {
      floats(op, x);
      require(x.dtype() == type, "%s: this backend's activations are %s, got %s", op, type, x);
    }
    live(op, inputs);
  }

  /** Weights are absent, or quantized, or contiguous leaves in F32. */
  static void weights(Ops ops, String op, Tensor... weights) {
    for (Tensor w : weights) {
      leaf(ops, op, w);
      boolean isTyped = w.dtype() == DType.F32 || !w.scales().isNone();
      require(isTyped, "%s: weights are F32, got %s", op, w);
      contiguous(op, w);
    }
  }

  /** The same for a table to look rows up in, which may hold activations too. */
  static void table(Ops ops, String op, Tensor w) {
    leaf(ops, op, w);
    DType type = ops.backend().activationType();
    boolean isTyped = w.dtype() == DType.F32 || !w.scales().isNone() || w.dtype() == type;
    require(isTyped, "%s: looks up F32, or %s as activations are, got %s", op, type, w);
    contiguous(op, w);
  }

  /** A leaf's gradient is kept, and leads to nothing that it came from. */
  private static void leaf(Ops ops, String op, Tensor w) {
    live(op, w);
    if (w.scales().isNone()) {
      floats(op, w);
    }
    if (ops.requiresGrad(w.whole())) {
      throw new JambicException(
          Text.format(
              "%s: the weight %s was computed on this tape, and no gradient goes on through a weight; compute it elsewhere",
              op, w));
    }
  }

  private static void floats(String op, Tensor x) {
    require(x.dtype() == DType.F32 || x.dtype() == DType.BF16, "%s: needs floats, got %s", op, x);
  }

  static void contiguous(String op, Tensor... tensors) {
    for (Tensor x : tensors) {
      require(x.isContiguous(), "%s: needs contiguous rows, got columns %s of wider ones", op, x);
    }
  }

  /** Neither is a region closed, nor memory used for something else. */
  static void live(String op, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      tensor.requireLive(op);
    }
  }

  static void linear(Ops ops, String op, Tensor x, Tensor w, Tensor b) {
    activations(ops, op, x);
    weights(ops, op, w, b);
    int k = x.dim(-1);
    require(
        w.shape().rank() == 2 && w.dim(1) == k, "%s: x %s needs w (n, %d), got %s", op, x, k, w);
    int n = w.dim(0);
    require(b.isNone() || b.size() == n, "%s: w %s needs b (%d), got %s", op, w, n, b);
  }

  /** Queries, keys and values side by side may be columns of something wider. */
  static void attention(Ops ops, String op, Tensor packed, int parts, int heads) {
    activationType(ops, op, packed);
    require(
        packed.shape().rank() == 3 && packed.dim(2) % parts == 0,
        "%s: needs (B, T, %d C), got %s",
        op,
        parts,
        packed);
    heads(op, packed, packed.dim(2) / parts, heads);
  }

  private static void heads(String op, Tensor x, int c, int heads) {
    require(
        heads > 0 && c % heads == 0,
        "%s: %s has a width of %d, which %d heads do not divide",
        op,
        x,
        c,
        heads);
  }

  /** Queries of one width, keys and values side by side of twice it; either may be columns. */
  static void attention(
      Ops ops, String op, Tensor q, Tensor kv, Tensor lengths, int heads, boolean causal) {
    activationType(ops, op, q, kv);
    require(q.shape().rank() == 3, "%s: needs q (B, T, C), got %s", op, q);
    int b = q.dim(0);
    int c = q.dim(2);
    heads(op, q, c, heads);
    require(
        kv.shape().rank() == 3 && kv.dim(0) == b && kv.dim(2) == 2L * c,
        "%s: q %s needs kv (%d, S, %d), got %s",
        op,
        q,
        b,
        2L * c,
        kv);
    require(
        !causal || kv.dim(1) == q.dim(1),
        "%s: where it is causal, q %s needs as many keys, got kv %s",
        op,
        q,
        kv);
    lengths(op, "q", q, lengths);
  }

  /** Lengths of the sequences of a batch, if there are any. */
  static void lengths(String op, String name, Tensor x, Tensor lengths) {
    integers(op, lengths);
    int b = x.dim(0);
    require(
        lengths.isNone() || lengths.shape().rank() == 1 && lengths.dim(0) == b,
        "%s: %s %s needs lengths (%d), got %s",
        op,
        name,
        x,
        b,
        lengths);
  }

  /** As many rows of queries for each sequence of keys and values. */
  static void crossAttention(Ops ops, String op, Tensor q, Tensor kv, Tensor lengths, int heads) {
    activations(ops, op, q);
    activationType(ops, op, kv);
    integers(op, lengths);
    require(q.shape().rank() == 3, "%s: needs q (R, T, C), got %s", op, q);
    heads(op, q, q.dim(2), heads);
    require(
        kv.shape().rank() == 3
            && kv.dim(2) == 2L * q.dim(2)
            && kv.dim(0) > 0
            && q.dim(0) % kv.dim(0) == 0,
        "%s: q %s needs kv (B, S, %d) with B a divisor of %d, got %s",
        op,
        q,
        2L * q.dim(2),
        q.dim(0),
        kv);
    lengths(op, "kv", kv, lengths);
  }

  /** Pools of pages of keys and of values, alike. */
  static void pages(Ops ops, String op, Tensor kPages, Tensor vPages) {
    activations(ops, op, kPages, vPages);
    require(
        kPages.shape().rank() == 3 && kPages.shape().equals(vPages.shape()),
        "%s: needs pages (P, S, C) of keys, and of values alike, got %s and %s",
        op,
        kPages,
        vPages);
  }

  static void pageCopies(String op, Tensor from, Tensor to) {
    integers(op, from, to);
    require(
        !from.isNone()
            && !to.isNone()
            && from.shape().rank() == 1
            && from.shape().equals(to.shape()),
        "%s: needs as many I32 pages to copy from as to copy to, got %s and %s",
        op,
        from,
        to);
  }

  /** Integers, contiguous and live. */
  static void integers(String op, Tensor... tensors) {
    live(op, tensors);
    contiguous(op, tensors);
    for (Tensor x : tensors) {
      require(x.isNone() || x.dtype() == DType.I32, "%s: needs I32, got %s", op, x);
    }
  }

  static void smoothing(String op, float smoothing) {
    require(
        smoothing >= 0 && smoothing < 1,
        "%s: smoothing must be at least 0 and below 1, got %s",
        op,
        smoothing);
  }

  static void targets(String op, Tensor x, Tensor targets) {
    live(op, targets);
    contiguous(op, targets);
    require(
        targets.dtype() == DType.I32 && targets.size() == x.shape().rows(),
        "%s: %s needs I32 targets, one a row, got %s",
        op,
        x,
        targets);
  }

  static void scale(String op, float scale) {
    require(
        scale > 0 && scale < Float.POSITIVE_INFINITY,
        "%s: a scale is above 0 and finite, got %s",
        op,
        scale);
  }

  static void probability(String op, float p) {
    require(p >= 0 && p < 1, "%s: a probability to drop is at least 0 and below 1, got %s", op, p);
  }
}

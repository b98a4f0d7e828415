package jambic.tensor;

import jambic.tensor.spi.Dropout;
import java.util.List;

/** How the attention of {@link Ops} is computed, and its derivatives. */
final class Attention {
  private Attention() {}

  /** What scores are multiplied by unless a model says otherwise (Vaswani et al., 2017). */
  static float headScale(int width, int heads) {
    return (float) (1 / Math.sqrt(width / heads));
  }

  /** As {@link Ops#causalAttention} and {@link Ops#selfAttention}. */
  static Tensor self(
      Ops ops,
      String op,
      Tensor qkv,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      float dropout) {
    Checks.attention(ops, op, qkv, 3, heads);
    Checks.lengths(op, "qkv", qkv, lengths);
    Checks.scale(op, scale);
    Checks.probability(op, dropout);
    int c = qkv.dim(2) / 3;
    Tensor q = qkv.columns(0, c);
    Tensor k = qkv.columns(c, c);
    Tensor v = qkv.columns(2 * c, c);
    Tensor out = ops.activations(q.shape());
    Tensor lse = ops.floats(Shape.of(qkv.dim(0), heads, qkv.dim(1)));
    Dropout site = ops.dropoutSite(dropout);
    ops.launch(
        "attention.forward",
        () ->
            ops.backend()
                .attention()
                .forward(out, lse, q, k, v, lengths, heads, causal, scale, site));
    ops.record(
        out,
        true,
        List.of(lse),
        List.of(qkv),
        (tape, dout) ->
            tape.into(
                "attention.backward",
                qkv,
                dqkv -> {
                  Tensor dq = dqkv.columns(0, c);
                  Tensor dk = dqkv.columns(c, c);
                  Tensor dv = dqkv.columns(2 * c, c);
                  return () ->
                      ops.backend()
                          .attention()
                          .backward(
                              dq, dk, dv, dout, out, lse, q, k, v, lengths, heads, causal, scale,
                              site);
                }));
    return out;
  }

  /** As {@link InferenceOps#crossAttention}: the rows of a sequence are queries of one call. */
  static Tensor cross(Ops ops, Tensor q, Tensor kv, Tensor lengths, int heads) {
    Checks.crossAttention(ops, "crossAttention", q, kv, lengths, heads);
    int b = kv.dim(0);
    Tensor grouped = q.reshape(Shape.of(b, q.dim(0) / b * q.dim(1), q.dim(2)));
    return of(ops, grouped, kv, lengths, heads, false, 0).reshape(q.shape());
  }

  /** As {@link Ops#attention}. */
  static Tensor of(
      Ops ops, Tensor q, Tensor kv, Tensor lengths, int heads, boolean causal, float dropout) {
    Checks.attention(ops, "attention", q, kv, lengths, heads, causal);
    Checks.probability("attention", dropout);
    int c = q.dim(2);
    float scale = headScale(c, heads);
    Tensor k = kv.columns(0, c);
    Tensor v = kv.columns(c, c);
    Tensor out = ops.activations(q.shape());
    Tensor lse = ops.floats(Shape.of(q.dim(0), heads, q.dim(1)));
    Dropout site = ops.dropoutSite(dropout);
    ops.launch(
        "attention.forward",
        () ->
            ops.backend()
                .attention()
                .forward(out, lse, q, k, v, lengths, heads, causal, scale, site));
    ops.record(
        out,
        true,
        List.of(lse),
        List.of(q, kv),
        (tape, dout) ->
            tape.intoAll(
                "attention.backward",
                List.of(q, kv),
                gradients -> {
                  Tensor dq = gradients.getFirst();
                  Tensor dk = gradients.getLast().columns(0, c);
                  Tensor dv = gradients.getLast().columns(c, c);
                  return () ->
                      ops.backend()
                          .attention()
                          .backward(
                              dq, dk, dv, dout, out, lse, q, k, v, lengths, heads, causal, scale,
                              site);
                }));
    return out;
  }
}

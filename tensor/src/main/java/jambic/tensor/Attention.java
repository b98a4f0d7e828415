package jambic.tensor;

import jambic.tensor.spi.Dropout;
import java.util.List;

/** How the attention of {@link Ops} is computed, and its derivatives. */
final class Attention {
  private Attention() {}

  /** As {@link Ops#causalAttention}. */
  static Tensor causal(Ops ops, Tensor qkv, int heads, float dropout) {
    Checks.attention(ops, "causalAttention", qkv, 3, heads);
    Checks.probability("causalAttention", dropout);
    int c = qkv.dim(2) / 3;
    Tensor q = qkv.columns(0, c);
    Tensor k = qkv.columns(c, c);
    Tensor v = qkv.columns(2 * c, c);
    Tensor out = ops.activations(q.shape());
    Tensor lse = ops.floats(Shape.of(qkv.dim(0), heads, qkv.dim(1)));
    Dropout site = ops.dropoutSite(dropout);
    ops.launch(
        "attention.forward",
        () -> ops.backend().attention().forward(out, lse, q, k, v, Tensor.NONE, heads, true, site));
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
                              dq, dk, dv, dout, out, lse, q, k, v, Tensor.NONE, heads, true, site);
                }));
    return out;
  }

  /** As {@link Ops#attention}. */
  static Tensor of(
      Ops ops, Tensor q, Tensor kv, Tensor lengths, int heads, boolean causal, float dropout) {
    Checks.attention(ops, "attention", q, kv, lengths, heads, causal);
    Checks.probability("attention", dropout);
    int c = q.dim(2);
    Tensor k = kv.columns(0, c);
    Tensor v = kv.columns(c, c);
    Tensor out = ops.activations(q.shape());
    Tensor lse = ops.floats(Shape.of(q.dim(0), heads, q.dim(1)));
    Dropout site = ops.dropoutSite(dropout);
    ops.launch(
        "attention.forward",
        () -> ops.backend().attention().forward(out, lse, q, k, v, lengths, heads, causal, site));
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
                              dq, dk, dv, dout, out, lse, q, k, v, lengths, heads, causal, site);
                }));
    return out;
  }
}

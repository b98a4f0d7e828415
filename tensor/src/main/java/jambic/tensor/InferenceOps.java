package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.List;

/** Operations that compute and forget: inference and evaluation. Nothing is dropped. */
public sealed class InferenceOps extends Ops permits DecodeOps {
  /**
   * Operations on a backend.
   *
   * @param backend where kernels run
   * @param region where outputs live
   */
  public InferenceOps(Backend backend, Region region) {
    super(backend, region);
  }

  /**
   * Causal self-attention of sequences of any lengths, side by side, over keys and values in pages,
   * which it extends.
   *
   * @param qkv (R, 1, 3C): queries, keys and values side by side; the tokens of a sequence follow
   *     each other
   * @param kPages (P, S, C), extended in place
   * @param vPages (P, S, C), extended in place
   * @param rows I32 (B + 1): the row at which each sequence starts, and R
   * @param starts I32 (B): how many positions of each sequence are in the pages already
   * @param pages I32 (B, N): the pages of each sequence, which have room for its new tokens
   * @param heads H, a divisor of C
   * @param scale what the products of queries and keys are multiplied by, above 0
   * @return (R, 1, C)
   */
  public final Tensor pagedAttention(
      Tensor qkv,
      Tensor kPages,
      Tensor vPages,
      Tensor rows,
      Tensor starts,
      Tensor pages,
      int heads,
      float scale) {
    Checks.attention(this, "pagedAttention", qkv, 3, heads);
    Checks.scale("pagedAttention", scale);
    Checks.integers("pagedAttention", rows, starts, pages);
    Checks.activations(this, "pagedAttention", kPages, vPages);
    int c = qkv.dim(2) / 3;
    Checks.require(
        kPages.shape().rank() == 3 && kPages.dim(2) == c && kPages.shape().equals(vPages.shape()),
        "pagedAttention: qkv %s needs pages (P, S, %d), got %s and %s",
        qkv,
        c,
        kPages,
        vPages);
    Checks.require(
        pages.shape().rank() == 2
            && starts.size() == pages.dim(0)
            && rows.size() == pages.dim(0) + 1,
        "pagedAttention: a table of pages %s needs as many starts and one more row, got %s and %s",
        pages,
        starts,
        rows);
    Tensor q = qkv.columns(0, c);
    Tensor k = qkv.columns(c, c);
    Tensor v = qkv.columns(2 * c, c);
    Tensor out = activations(q.shape());
    launch(
        "attention.paged",
        () ->
            backend()
                .attention()
                .paged(out, kPages, vPages, q, k, v, rows, starts, pages, heads, scale));
    return out;
  }

  /**
   * Copies whole pages of keys and values, so that sequences with a common beginning can go on
   * differently: page {@code to[i]} gets what page {@code from[i]} holds.
   *
   * @param kPages (P, S, C), changed in place
   * @param vPages (P, S, C), changed in place
   * @param from I32 (N), each in [0, P)
   * @param to I32 (N), each in [0, P): no page occurs twice, nor in {@code from}, except in pairs
   *     of a page and itself, which fill up a list and do nothing
   */
  public final void copyPages(Tensor kPages, Tensor vPages, Tensor from, Tensor to) {
    Checks.pages(this, "copyPages", kPages, vPages);
    Checks.pageCopies("copyPages", from, to);
    launch("attention.copyPages", () -> backend().attention().copyPages(kPages, vPages, from, to));
  }

  /**
   * Attention of a decoder to what an encoder made of its sequences. Several rows of queries may
   * belong to a sequence, such as the hypotheses of a beam search, whose keys and values are there
   * once.
   *
   * @param q (R, T, C) with R a multiple of B: R / B rows for the first sequence, as many for the
   *     next, and so on
   * @param kv (B, S, 2C): keys and values side by side
   * @param lengths I32 (B), each in [1, S]: keys at or past it are padding, which no query sees; or
   *     none
   * @param heads H, a divisor of C
   * @return (R, T, C)
   */
  public final Tensor crossAttention(Tensor q, Tensor kv, Tensor lengths, int heads) {
    return Attention.cross(this, q, kv, lengths, heads);
  }

  /**
   * The logarithm of each row's sum of exponentials: a logit minus it is a log-probability.
   *
   * @param logits (..., V), seen as N rows
   * @return F32 (N)
   */
  public final Tensor logSumExp(Tensor logits) {
    Checks.activations(this, "logSumExp", logits);
    return Losses.logSumExp(this, logits);
  }

  /**
   * Embeddings of tokens that follow cached ones.
   *
   * @param ids I32 (B, T), each in [0, V)
   * @param wte (V, C)
   * @param wpe (P, C), or none
   * @param starts I32 (B): the position of each row's first token
   * @param scale what token embeddings are multiplied by, above 0
   * @return (B, T, C)
   */
  public final Tensor embedAt(Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale) {
    return Embeddings.embed(this, ids, wte, wpe, starts, scale);
  }

  @Override
  final void record(
      Tensor out,
      boolean readsOutput,
      List<Tensor> saved,
      List<Tensor> inputs,
      Derivative derivative) {
    // Nothing is differentiated.
  }

  @Override
  final boolean requiresGrad(Tensor value) {
    return false;
  }

  @Override
  final boolean canReuse(Tensor value) {
    return false;
  }

  @Override
  final boolean differentiates() {
    return false;
  }

  @Override
  final Tensor reuse(String op, Tensor spent) {
    throw new IllegalStateException("nothing is spent outside a tape");
  }

  @Override
  final Dropout dropoutSite(float p) {
    return Dropout.NONE;
  }
}

package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.List;

/** Operations that compute and forget: inference and evaluation. Nothing is dropped. */
public final class Eager extends Ops {
  /**
   * Operations on a backend.
   *
   * @param backend where kernels run
   * @param region where outputs live
   */
  public Eager(Backend backend, Region region) {
    super(backend, region);
  }

  /**
   * Causal self-attention over remembered keys and values, which it extends: T = 1 decodes, T &gt;
   * 1 prefills.
   *
   * @param qkv (B, T, 3C): queries, keys and values side by side
   * @param kCache (B, S, C), extended in place
   * @param vCache (B, S, C), extended in place
   * @param starts I32 (B): how many positions of each row are cached already, with {@code starts +
   *     T <= S}
   * @param heads H, a divisor of C
   * @return (B, T, C)
   */
  public Tensor cachedAttention(
      Tensor qkv, Tensor kCache, Tensor vCache, Tensor starts, int heads) {
    checkAttention("cachedAttention", qkv, 3, heads);
    int c = qkv.dim(2) / 3;
    Shape cache = kCache.shape();
    check(
        cache.rank() == 3
            && cache.dim(0) == qkv.dim(0)
            && cache.dim(2) == c
            && cache.equals(vCache.shape()),
        "cachedAttention: qkv %s needs caches (%d, S, %d), got %s and %s",
        qkv,
        qkv.dim(0),
        c,
        kCache,
        vCache);
    Tensor q = qkv.columns(0, c);
    Tensor k = qkv.columns(c, c);
    Tensor v = qkv.columns(2 * c, c);
    Tensor out = activations(q.shape());
    launch(() -> backend().attention().cached(out, kCache, vCache, q, k, v, starts, heads));
    return out;
  }

  /**
   * Embeddings of tokens that follow cached ones.
   *
   * @param ids I32 (B, T), each in [0, V)
   * @param wte (V, C)
   * @param wpe (P, C), or none
   * @param starts I32 (B): the position of each row's first token
   * @return (B, T, C)
   */
  public Tensor embedAt(Tensor ids, Tensor wte, Tensor wpe, Tensor starts) {
    return embed(ids, wte, wpe, starts);
  }

  @Override
  void record(
      Tensor out,
      boolean readsOutput,
      List<Tensor> saved,
      List<Tensor> inputs,
      Derivative derivative) {
    // There is no way back.
  }

  @Override
  boolean isSpent(Tensor value) {
    return false;
  }

  @Override
  boolean differentiates() {
    return false;
  }

  @Override
  Tensor takeOver(Tensor spent) {
    throw new IllegalStateException("nothing is spent outside a tape");
  }

  @Override
  Dropout dropoutSite(float p) {
    return Dropout.NONE;
  }
}

package jambic.bench;

import jambic.tensor.Tensor;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Dropout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Attention to keys and values of ragged lengths, side by side in (B, S, 2C). */
public class CrossAttentionBenchmark extends Workbench {
  /** B, T, S, heads, width of a head. */
  @Param({"32x20x24x4x16", "32x64x80x8x64", "8x256x256x8x64"})
  public String shape;

  private AttentionKernels kernels;
  private int heads;
  private int c;
  private float scale;
  private Tensor lengths;
  private Tensor q;
  private Tensor kv;
  private Tensor dq;
  private Tensor dkv;
  private Tensor out;
  private Tensor dout;
  private Tensor lse;

  @Override
  void prepare() {
    int[] btshd = extents(shape);
    int batch = btshd[0];
    int queries = btshd[1];
    int keys = btshd[2];
    kernels = backend().attention();
    heads = btshd[3];
    c = heads * btshd[4];
    scale = (float) (1 / Math.sqrt(btshd[4]));
    int[] counts = ids(keys, batch).toInts();
    for (int b = 0; b < batch; b++) {
      counts[b]++;
    }
    lengths = ids(keys, batch);
    lengths.set(counts);
    q = normal(batch, queries, c);
    kv = normal(batch, keys, 2 * c);
    dq = empty(batch, queries, c);
    dkv = empty(batch, keys, 2 * c);
    out = empty(batch, queries, c);
    dout = normal(batch, queries, c);
    lse = empty(batch, heads, queries);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    Tensor k = kv.columns(0, c);
    Tensor v = kv.columns(c, c);
    kernels.forward(out, lse, q, k, v, lengths, heads, false, scale, Dropout.NONE);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    kernels.backward(
        dq,
        dkv.columns(0, c),
        dkv.columns(c, c),
        dout,
        out,
        lse,
        q,
        kv.columns(0, c),
        kv.columns(c, c),
        lengths,
        heads,
        false,
        scale,
        Dropout.NONE);
  }
}

package jambic.bench;

import jambic.tensor.Tensor;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Dropout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Causal attention from q, k, v side by side in (B, T, 3C). */
public class AttentionBenchmark extends Workbench {
  /** B, T, heads, width of a head. */
  @Param({"32x8x4x8", "12x64x4x32", "64x256x6x64", "4x64x12x64"})
  public String shape;

  private AttentionKernels kernels;
  private int heads;
  private float scale;
  private Tensor qkv;
  private Tensor dqkv;
  private Tensor out;
  private Tensor dout;
  private Tensor lse;
  private int c;

  @Override
  void prepare() {
    int[] bthd = extents(shape);
    kernels = backend().attention();
    heads = bthd[2];
    c = heads * bthd[3];
    scale = (float) (1 / Math.sqrt(bthd[3]));
    qkv = normal(bthd[0], bthd[1], 3 * c);
    dqkv = empty(bthd[0], bthd[1], 3 * c);
    out = empty(bthd[0], bthd[1], c);
    dout = normal(bthd[0], bthd[1], c);
    lse = empty(bthd[0], heads, bthd[1]);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    kernels.forward(
        out,
        lse,
        qkv.columns(0, c),
        qkv.columns(c, c),
        qkv.columns(2 * c, c),
        Tensor.NONE,
        heads,
        true,
        scale,
        Dropout.NONE);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    kernels.backward(
        dqkv.columns(0, c),
        dqkv.columns(c, c),
        dqkv.columns(2 * c, c),
        dout,
        out,
        lse,
        qkv.columns(0, c),
        qkv.columns(c, c),
        qkv.columns(2 * c, c),
        Tensor.NONE,
        heads,
        true,
        scale,
        Dropout.NONE);
  }
}

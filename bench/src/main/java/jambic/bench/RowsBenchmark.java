package jambic.bench;

import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Rows by their index, and the sum of their gradients. */
public class RowsBenchmark extends Workbench {
  /** Rows, width, and how many are looked up. */
  @Param({"768x128x64", "16384x384x512", "4096x768x2048"})
  public String shape;

  private Tensor x;
  private Tensor index;
  private Tensor out;
  private Tensor dout;
  private Tensor dx;

  @Override
  void prepare() {
    int[] ncm = extents(shape);
    x = normal(ncm[0], ncm[1]);
    index = ids(ncm[0], ncm[2]);
    out = empty(ncm[2], ncm[1]);
    dout = normal(ncm[2], ncm[1]);
    dx = empty(ncm[0], ncm[1]);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    backend().embedding().rows(out, x, index);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().embedding().rowsBackward(dx, dout, index, false);
  }
}

package jambic.bench;

import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** LayerNorm with weight and bias. */
public class LayerNormBenchmark extends Workbench {
  /** Tokens, nEmbd. */
  @Param({"768x128", "16384x384", "256x768"})
  public String shape;

  private Tensor x;
  private Tensor g;
  private Tensor b;
  private Tensor out;
  private Tensor mean;
  private Tensor rstd;
  private Tensor dout;
  private Tensor dx;
  private Tensor dg;
  private Tensor db;

  @Override
  void prepare() {
    int rows = extents(shape)[0];
    int c = extents(shape)[1];
    x = normal(rows, c);
    g = normal(c);
    b = normal(c);
    out = empty(rows, c);
    mean = empty(rows);
    rstd = empty(rows);
    dout = normal(rows, c);
    dx = empty(rows, c);
    dg = empty(c);
    db = empty(c);
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    backend().norm().forward(out, mean, rstd, x, g, b, 1e-5f);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().norm().backward(dx, dg, db, dout, x, g, mean, rstd, false);
  }
}

package jambic.bench;

import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Products element by element: by a constant, and of two tensors. */
public class ProductBenchmark extends Workbench {
  /** Tokens, width. */
  @Param({"768x128", "16384x384", "256x768"})
  public String shape;

  private Tensor a;
  private Tensor b;
  private Tensor out;
  private Tensor da;
  private Tensor db;

  @Override
  void prepare() {
    a = normal(extents(shape));
    b = normal(extents(shape));
    out = empty(extents(shape));
    da = empty(extents(shape));
    db = empty(extents(shape));
  }

  /** By a constant, forward or backward. */
  @Benchmark
  public void scale() {
    backend().elementwise().scale(out, a, 22.627417f);
  }

  /** The forward pass of a product. */
  @Benchmark
  public void forward() {
    backend().elementwise().multiply(out, a, b);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().elementwise().multiply(da, out, b);
    backend().elementwise().multiply(db, out, a);
  }
}

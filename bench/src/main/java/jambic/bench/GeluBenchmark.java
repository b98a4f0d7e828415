package jambic.bench;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** GELU over the inner activations of a feed-forward layer. */
public class GeluBenchmark extends Workbench {
  /** Tokens, four times nEmbd. */
  @Param({"768x512", "16384x1536", "256x3072"})
  public String shape;

  /** Exact or approximate. */
  @Param({"erf", "tanh"})
  public String form;

  private Activation activation;
  private Tensor x;
  private Tensor out;
  private Tensor dout;
  private Tensor dx;

  @Override
  void prepare() {
    activation = form.equals("erf") ? Activation.GELU_ERF : Activation.GELU_TANH;
    x = normal(extents(shape));
    out = empty(extents(shape));
    dout = normal(extents(shape));
    dx = empty(extents(shape));
  }

  /** The forward pass. */
  @Benchmark
  public void forward() {
    backend().activation().forward(out, x, activation);
  }

  /** Both passes. */
  @Benchmark
  public void forwardBackward() {
    forward();
    backend().activation().backward(dx, dout, x, activation);
  }
}

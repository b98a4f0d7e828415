package jambic.bench;

import jambic.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The three products of a linear layer: forward, gradient of the input, gradient of the weight. */
public class GemmBenchmark extends Workbench {
  /** Rows m, outputs n, inputs k. */
  @Param({
    "768x1536x384",
    "768x384x384",
    "1024x1024x1024",
    "2048x2048x2048",
    "256x3072x768",
    "256x768x3072"
  })
  public String shape;

  /** Which of the three. */
  @Param({"x*wT", "dout*w", "doutT*x"})
  public String form;

  private Runnable product;

  @Override
  void prepare() {
    int[] mnk = extents(shape);
    int m = mnk[0];
    int n = mnk[1];
    int k = mnk[2];
    Tensor x = normal(m, k);
    Tensor w = normal(n, k);
    Tensor out = normal(m, n);
    product =
        switch (form) {
          case "x*wT" -> () -> backend().linear().forward(out, x, w, Tensor.NONE);
          case "dout*w" -> () -> backend().linear().backwardInput(x, out, w, false);
          default -> () -> backend().linear().backwardWeight(w, Tensor.NONE, out, x, false);
        };
  }

  /** Floating-point operations of one product. */
  static double flops(String shape) {
    return 2.0 * Arrays.stream(extents(shape)).asLongStream().reduce(1, Math::multiplyExact);
  }

  /** One product. */
  @Benchmark
  public void run() {
    product.run();
  }
}

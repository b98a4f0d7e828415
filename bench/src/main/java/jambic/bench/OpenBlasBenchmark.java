package jambic.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** The products of {@link GemmBenchmark} by OpenBLAS. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class OpenBlasBenchmark {
  /** How many threads the library may use. */
  @Param("1")
  public int threads;

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

  /** Which product. */
  @Param({"x*wT", "dout*w", "doutT*x"})
  public String form;

  private Runnable product;

  /** Binds the library and fills the operands. */
  @Setup
  public void open() {
    OpenBlas blas = OpenBlas.find().orElseThrow();
    blas.setThreads(threads);
    int[] mnk = Workbench.extents(shape);
    int m = mnk[0];
    int n = mnk[1];
    int k = mnk[2];
    MemorySegment x = normal(m * k);
    MemorySegment w = normal(n * k);
    MemorySegment out = normal(m * n);
    product =
        switch (form) {
          case "x*wT" -> () -> blas.sgemm(false, true, m, n, k, x, w, out);
          case "dout*w" -> () -> blas.sgemm(false, false, m, k, n, out, w, x);
          default -> () -> blas.sgemm(true, false, n, k, m, out, x, w);
        };
  }

  private static MemorySegment normal(int size) {
    Random random = new Random(size);
    MemorySegment floats = Arena.global().allocate(4L * size, 64);
    for (int i = 0; i < size; i++) {
      floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    return floats;
  }

  /** One product. */
  @Benchmark
  public void run() {
    product.run();
  }
}

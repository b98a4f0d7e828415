package jambic.bench;

import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What every kernel benchmark stands on: an open backend and memory to put operands in. Times are
 * sampled call by call, as the peers' are, so that medians and best cases compare.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public abstract class Workbench {
  /** A provider's name. */
  @Param("cpu")
  public String backend;

  /** How many threads the backend may use. */
  @Param("1")
  public int threads;

  private final Random random = new Random(1337);
  private Backend opened;
  private Region region;

  /** Opens the backend, then lets the benchmark lay out its operands. */
  @Setup
  public void open() {
    opened = Backends.open(backend, threads);
    region = opened.region();
    prepare();
  }

  /** Closes what {@link #open} opened. */
  @TearDown
  public void close() {
    region.close();
    opened.close();
  }

  /** Allocates and fills the operands. */
  abstract void prepare();

  final Backend backend() {
    return opened;
  }

  final Tensor empty(int... extents) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(extents));
    tensor.set(new float[Math.toIntExact(tensor.size())]);
    return tensor;
  }

  final Tensor normal(int... extents) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(extents));
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    return tensor;
  }

  final Tensor ids(int bound, int... extents) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(extents));
    tensor.set(random.ints(tensor.size(), 0, bound).toArray());
    return tensor;
  }

  /**
   * The numbers of a shape.
   *
   * @param shape such as {@code 12x64x4x32}
   * @return all of them
   */
  public static int[] extents(String shape) {
    return Arrays.stream(shape.split("x")).mapToInt(Integer::parseInt).toArray();
  }
}

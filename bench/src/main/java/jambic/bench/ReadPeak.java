package jambic.bench;

import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * How fast the cores read when they do nothing else: the roof over generation, which reads every
 * weight for every token. One stream a thread does not fill the memory, four do. The sizes are
 * those of the presets' weights, because small ones stay in a cache. Run with as many JMH threads
 * as the model uses; each reads its share over and over.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class ReadPeak {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = 4 * SPECIES.length();
  private static final int FIRST = 12; // where elements begin at a cache line

  /** Bytes that all threads together read in one call, in millions. */
  @Param({"3", "43", "498"})
  public String shape;

  private float[] share;

  /** Takes this thread's share. */
  @Setup
  public void open(ThreadParams threads) {
    open(bytes(shape) / threads.getThreadCount());
  }

  void open(long bytes) {
    share = new float[FIRST + (int) (bytes / Float.BYTES)];
  }

  static long bytes(String shape) {
    return Long.parseLong(shape) * 1_000_000;
  }

  /** The loop: four streams, as many as the kernels that read weights have. */
  @Benchmark
  public float run() {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int quarter = (share.length - FIRST) / STEP * SPECIES.length();
    for (int i = FIRST; i < FIRST + quarter; i += SPECIES.length()) {
      a = a.add(FloatVector.fromArray(SPECIES, share, i));
      b = b.add(FloatVector.fromArray(SPECIES, share, i + quarter));
      c = c.add(FloatVector.fromArray(SPECIES, share, i + 2 * quarter));
      d = d.add(FloatVector.fromArray(SPECIES, share, i + 3 * quarter));
    }
    return a.add(b).add(c.add(d)).lane(0);
  }
}

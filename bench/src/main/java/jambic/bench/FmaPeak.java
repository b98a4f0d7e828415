package jambic.bench;

import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * How fast a core multiplies and adds when nothing else is in the way: the roof over every kernel.
 * Twelve independent sums hide the latency of the instruction on every core of today and fit 16
 * vector registers. Run with as many JMH threads as the kernels use.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class FmaPeak {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int ROUNDS = 200_000;

  private float factor = 0.999f;
  private float summand = 0.001f;

  /** Floating-point operations of one call: a multiplication and an addition in every lane. */
  static double flops() {
    return 2.0 * 12 * SPECIES.length() * ROUNDS;
  }

  /** The loop. */
  @Benchmark
  public float run() {
    FloatVector f = FloatVector.broadcast(SPECIES, factor);
    FloatVector s = FloatVector.broadcast(SPECIES, summand);
    FloatVector a = s;
    FloatVector b = s;
    FloatVector c = s;
    FloatVector d = s;
    FloatVector e = s;
    FloatVector g = s;
    FloatVector h = s;
    FloatVector i = s;
    FloatVector j = s;
    FloatVector k = s;
    FloatVector l = s;
    FloatVector m = s;
    for (int round = 0; round < ROUNDS; round++) {
      a = f.fma(s, a);
      b = f.fma(s, b);
      c = f.fma(s, c);
      d = f.fma(s, d);
      e = f.fma(s, e);
      g = f.fma(s, g);
      h = f.fma(s, h);
      i = f.fma(s, i);
      j = f.fma(s, j);
      k = f.fma(s, k);
      l = f.fma(s, l);
      m = f.fma(s, m);
    }
    FloatVector sum = a.add(b).add(c).add(d).add(e).add(g).add(h).add(i).add(j).add(k).add(l);
    return sum.add(m).lane(0);
  }
}

package jambic.tensor.cpu.simd;

import java.util.OptionalDouble;
import jdk.incubator.vector.FloatVector;

/**
 * How fast the threads multiply and add when nothing else is in the way: the roof over every
 * kernel. Twelve independent sums hide the latency of the instruction and fit 16 registers.
 */
public final class FmaPeak {
  private static final int ROUNDS = 8_192; // some ten microseconds

  private static final long MEASURE_NANOS = 30_000_000;

  /** The compiler sees to the loop within some tenths of a second, on a busy machine later. */
  private static final int MOST_WARM_UPS = 50;

  /** No processor is that slow at its own instructions: then the loop was not compiled. */
  private static final double LEAST_FMAS_PER_NANO = 0.5;

  private FmaPeak() {}

  /** The sum of what all threads reach at once, in FLOP/s; empty if it cannot be told. */
  public static OptionalDouble measure(Workers workers) {
    for (int i = 0; i < MOST_WARM_UPS && !isCompiled(best(MEASURE_NANOS)); i++) {
      // Again: there is nothing to measure yet.
    }
    double[] shortest = new double[workers.threads()];
    workers.parallel(shortest.length, (index, worker) -> shortest[index] = best(MEASURE_NANOS));
    double sum = 0;
    for (double nanos : shortest) {
      if (!isCompiled(nanos)) {
        return OptionalDouble.empty();
      }
      sum += flops(ROUNDS) / nanos * 1e9;
    }
    return OptionalDouble.of(sum);
  }

  private static boolean isCompiled(double nanos) {
    return 12.0 * ROUNDS / nanos >= LEAST_FMAS_PER_NANO;
  }

  /** The shortest of all calls within that time, in nanoseconds. */
  private static double best(long within) {
    long end = System.nanoTime() + within;
    long best = Long.MAX_VALUE;
    for (long start = System.nanoTime(); start < end; ) {
      float sum = run(ROUNDS, 0.999f, 0.001f);
      long now = System.nanoTime();
      if (sum > 0) { // it always is, which the compiler does not know
        best = Math.min(best, now - start);
      }
      start = now;
    }
    return best;
  }

  /** A multiplication and an addition in every lane. */
  public static double flops(int rounds) {
    return 2.0 * 12 * Lanes.F.length() * rounds;
  }

  /** The loop: sums in place, or the operand that each replaces would be copied first. */
  public static float run(int rounds, float factor, float summand) {
    FloatVector f = FloatVector.broadcast(Lanes.F, factor);
    FloatVector s = FloatVector.broadcast(Lanes.F, summand);
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
    for (int round = 0; round < rounds; round++) {
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

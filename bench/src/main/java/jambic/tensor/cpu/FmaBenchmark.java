package jambic.tensor.cpu;

import jambic.tensor.cpu.simd.FmaPeak;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The loop of {@link FmaPeak}. Run with as many JMH threads as the kernels use. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class FmaBenchmark {
  private static final int ROUNDS = 200_000;

  private float factor = 0.999f;
  private float summand = 0.001f;

  /**
   * Floating-point operations of one call.
   *
   * @return how many
   */
  public static double flops() {
    return FmaPeak.flops(ROUNDS);
  }

  /**
   * The loop.
   *
   * @return its sum
   */
  @Benchmark
  public float run() {
    return FmaPeak.run(ROUNDS, factor, summand);
  }
}

package jambic.bench;

import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.function.DoubleSupplier;

/**
 * How near decoding comes to reading every weight once a token: both by turns in one process,
 * because memory is faster in one process than in the next. {@code Floor PRESET THREADS ROWS}.
 */
final class Floor {
  private static final double WARMUP_MS = 5000; // of decoding, until its kernels are compiled
  private static final int TURNS = 12;
  private static final int READINGS = 10; // of a turn

  private Floor() {}

  public static void main(String... args) throws IOException {
    Models models = Models.named(args[0]);
    int threads = Integer.parseInt(args[1]);
    long bytes = models.bytes("fp32");
    int steps = Math.min(DecodeBenchmark.STEPS, models.gpt().blockSize() - 1);
    ReadPeak[] shares = new ReadPeak[threads];
    for (int i = 0; i < threads; i++) {
      shares[i] = new ReadPeak();
      shares[i].open(bytes / threads);
    }
    double[] reading = new double[TURNS];
    double[] decoding = new double[TURNS];
    try (Backend backend = Backends.open("cpu", threads);
        Gpt model = models.random(backend, "fp32");
        Generator generator = new Generator(model, 1)) {
      for (double spent = 0; spent < WARMUP_MS; ) {
        read(shares);
        spent += decode(generator, steps);
      }
      for (int turn = 0; turn < TURNS; turn++) {
        reading[turn] = read(shares);
        decoding[turn] = decode(generator, steps) / steps;
      }
    }
    Path file = Path.of(args[2]);
    row(args[0], "jambic", threads, decoding, bytes).append(file);
    row(args[0], "reading", threads, reading, bytes).append(file);
  }

  private static double decode(Generator generator, int steps) {
    return milliseconds(() ->
        generator
            .generate(new int[1][1], steps, SamplingParams.GREEDY, (row, token) -> true)[0][0]);
  }

  /** The time of one of some readings by all threads together, in milliseconds. */
  private static double read(ReadPeak... shares) {
    CyclicBarrier start = new CyclicBarrier(shares.length);
    double[] times = new double[shares.length];
    Thread[] threads = new Thread[shares.length];
    for (int i = 0; i < shares.length; i++) {
      int mine = i;
      threads[i] =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  start.await();
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
                times[mine] =
                    milliseconds(() -> {
                      float sum = 0;
                      for (int k = 0; k < READINGS; k++) {
                        sum += shares[mine].run();
                      }
                      return sum;
                    });
              });
    }
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return Arrays.stream(times).max().orElseThrow() / READINGS;
  }

  private static double milliseconds(DoubleSupplier work) {
    long start = System.nanoTime();
    double result = work.getAsDouble();
    double time = (System.nanoTime() - start) * 1e-6;
    if (Double.isNaN(result)) { // only so that the work is needed
      throw new IllegalStateException("zeros and ids add up to a number");
    }
    return time;
  }

  private static Row row(String preset, String engine, int threads, double[] times, long bytes) {
    Arrays.sort(times);
    Map<String, Object> more = Map.of("version", "Java " + Runtime.version(), "bytes", bytes);
    return new Row(
        "floor",
        preset,
        engine,
        threads,
        times.length,
        times[0],
        times[times.length / 2],
        times[times.length - 1],
        more);
  }
}

package jambic.bench;

import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Sequences that grow by the likeliest token, from one token on: nothing but decoding steps. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class DecodeBenchmark {
  /** Steps of a call. */
  static final int STEPS = 64;

  /** A provider's name. */
  @Param("cpu")
  public String backend;

  /** How many threads the backend may use. */
  @Param("1")
  public int threads;

  /** Which model. */
  @Param({"shakespeare-char-cpu", "shakespeare-char", "gpt2-124m"})
  public String preset;

  /** How many sequences grow together. */
  @Param({"1", "8"})
  public int batch;

  /** What the weights are held in: {@code fp32} or {@code int8}. */
  @Param("fp32")
  public String weights;

  private Backend opened;
  private Gpt model;
  private Generator generator;

  /** Makes the model. */
  @Setup
  public void open() {
    Models models = Models.named(preset);
    opened = Backends.open(backend, threads);
    model = models.random(opened, weights);
    generator = new Generator(model, batch);
  }

  /** Frees everything. */
  @TearDown
  public void close() {
    generator.close();
    model.close();
    opened.close();
  }

  /** Some steps. */
  @Benchmark
  public int[][] run() {
    int[][] prompts = new int[batch][1];
    int steps = Math.min(STEPS, model.config().blockSize() - 1);
    return generator.generate(prompts, steps, SamplingParams.GREEDY, (row, token) -> true);
  }
}

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

/** Generation of one sequence, as long as the context has room for. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class SampleBenchmark {
  // As nanoGPT's sample.py.
  private static final SamplingParams SAMPLING = new SamplingParams(0.8f, 200, 1, 1337);

  /** A provider's name. */
  @Param("cpu")
  public String backend;

  /** How many threads the backend may use. */
  @Param("1")
  public int threads;

  /** Which model. */
  @Param({"lecture-small", "shakespeare-char-cpu", "shakespeare-char", "gpt2-124m"})
  public String preset;

  /** What the weights are held in: {@code fp32} or {@code int8}. */
  @Param("fp32")
  public String weights;

  private Backend opened;
  private Gpt model;
  private Generator generator;
  private int tokens;

  /** Makes the model. */
  @Setup
  public void open() {
    Models models = Models.named(preset);
    opened = Backends.open(backend, threads);
    model = models.random(opened, weights);
    generator = new Generator(model, 1);
    tokens = models.gpt().blockSize() - 1;
  }

  /** Frees everything, and leaves word of how much memory that was. */
  @TearDown
  public void close() {
    Machine.leavePeak();
    generator.close();
    model.close();
    opened.close();
  }

  /** One sequence. */
  @Benchmark
  public int[] run() {
    return generator.generate(new int[] {0}, tokens, SAMPLING, (row, token) -> true);
  }
}

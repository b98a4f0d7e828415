package jambic.bench;

import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
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
import org.openjdk.jmh.annotations.TearDown;

/** From a prompt of 512 tokens, or of half the context where that is less, to the first token. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class PrefillBenchmark {
  /** A provider's name. */
  @Param("cpu")
  public String backend;

  /** How many threads the backend may use. */
  @Param("1")
  public int threads;

  /** Which model. */
  @Param({"shakespeare-char-cpu", "shakespeare-char", "gpt2-124m"})
  public String preset;

  /** What the weights are held in: {@code fp32} or {@code int8}. */
  @Param("fp32")
  public String weights;

  private Backend opened;
  private Gpt model;
  private Generator generator;
  private int[] prompt;

  /** The length of the prompt. */
  static int tokens(int blockSize) {
    return Math.min(512, blockSize / 2);
  }

  /** Makes the model and the prompt. */
  @Setup
  public void open() {
    Models models = Models.named(preset);
    opened = Backends.open(backend, threads);
    model = models.random(opened, weights);
    generator = new Generator(model, 1);
    int vocabSize = models.gpt().vocabSize();
    prompt = new Random(1337).ints(tokens(models.gpt().blockSize()), 0, vocabSize).toArray();
  }

  /** Frees everything. */
  @TearDown
  public void close() {
    generator.close();
    model.close();
    opened.close();
  }

  /** One prompt. */
  @Benchmark
  public int[] run() {
    return generator.generate(prompt, 1, SamplingParams.GREEDY, (row, token) -> true);
  }
}

package jambic.bench;

import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.Training;
import jambic.train.config.TrainConfig;
import jambic.train.objective.NextTokenPrediction;
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

/** One iteration of training: batch, forward, backward, clip, AdamW. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class StepBenchmark {
  private static final int TEXT = 1_000_000;

  /** A provider's name. */
  @Param("cpu")
  public String backend;

  /** How many threads the backend may use. */
  @Param("1")
  public int threads;

  /** Which model. */
  @Param({"lecture-small", "shakespeare-char-cpu", "shakespeare-char", "gpt2-124m"})
  public String preset;

  private final Random random = new Random(1337);
  private Backend opened;
  private Gpt model;
  private TrainConfig config;
  private Training training;
  private int[] text;
  private int iteration;

  /** Makes the model and a text of random tokens. */
  @Setup
  public void open() {
    Models models = Models.named(preset);
    config = models.config();
    opened = Backends.open(backend, threads);
    model = new Gpt(opened, models.gpt(), config.init());
    training =
        new Training(
            model,
            config,
            new NextTokenPrediction(
                model, this::fill, config.batch().batchSize(), config.model().blockSize()));
    text = random.ints(TEXT, 0, models.gpt().vocabSize()).toArray();
  }

  /** Frees everything, and leaves word of how much memory that was. */
  @TearDown
  public void close() {
    Machine.leavePeak();
    training.close();
    model.close();
    opened.close();
  }

  /** The iteration. */
  @Benchmark
  public double run() {
    int it = iteration++;
    return training.step().run(it, config.optimizer().rates().at(it));
  }

  private void fill(int it, int microStep, int[] x, int[] y) {
    int block = config.model().blockSize();
    for (int row = 0; row < config.batch().batchSize(); row++) {
      int start = random.nextInt(TEXT - block);
      System.arraycopy(text, start, x, row * block, block);
      System.arraycopy(text, start + 1, y, row * block, block);
    }
  }
}

package jambic.bench;

import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.TrainingStep;
import jambic.train.config.TrainConfig;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Optimizer;
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
  private Region memory;
  private Region activations;
  private Gpt model;
  private TrainConfig config;
  private TrainingStep step;
  private int[] text;
  private int iteration;

  /** Makes the model and a text of random tokens. */
  @Setup
  public void open() {
    Models models = Models.named(preset);
    config = models.config();
    opened = Backends.open(backend, threads);
    memory = opened.region();
    activations = opened.region();
    model = new Gpt(opened, models.gpt(), config.init());
    model.parameters().train(memory);
    GradientClip clip =
        new GradientClip(opened, memory, model.parameters().tensors(), config.gradClip());
    Optimizer optimizer =
        config.optimizer(opened, memory, model.parameters().byName(), clip.factor());
    step =
        new TrainingStep(
            opened,
            new NextTokenPrediction(model, this::fill, config.batchSize(), config.blockSize()),
            optimizer,
            clip,
            config.gradientAccumulationSteps(),
            config.seed(),
            activations);
    text = random.ints(TEXT, 0, models.gpt().vocabSize()).toArray();
  }

  /** Frees everything, and leaves word of how much memory that was. */
  @TearDown
  public void close() {
    Machine.leavePeak();
    activations.close();
    memory.close();
    model.close();
    opened.close();
  }

  /** The iteration. */
  @Benchmark
  public double run() {
    int it = iteration++;
    return step.run(it, config.schedule().at(it));
  }

  private void fill(int it, int microStep, int[] x, int[] y) {
    int block = config.blockSize();
    for (int row = 0; row < config.batchSize(); row++) {
      int start = random.nextInt(TEXT - block);
      System.arraycopy(text, start, x, row * block, block);
      System.arraycopy(text, start + 1, y, row * block, block);
    }
  }
}

package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.TrainingStep;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Optimizer;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SteadyStateTest {
  private static final int STEPS = 50;

  /**
   * A step has about sixty launches. What it allocates is the closure with which each hands its
   * pieces to the threads, and nothing that grows with the model or the batch.
   */
  private static final long BYTES_PER_STEP = 24_000;

  /** With Muon there are some six hundred: thirty for each of 18 matrices. */
  private static final long BYTES_PER_MUON_STEP = 100_000;

  /**
   * Until its kernels are compiled, the JVM boxes every vector; on a busy machine that takes its
   * time.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  @Test
  void allocatesNothingThatGrowsOnceItIsWarm() {
    requireSteady(Preset.LECTURE_SMALL.config(), BYTES_PER_STEP);
  }

  @Test
  void allocatesNothingThatGrowsWithMuonEither() {
    requireSteady(Preset.LECTURE_SMALL.config().with("optimizer", "muon"), BYTES_PER_MUON_STEP);
  }

  private static void requireSteady(TrainConfig config, long bytesPerStep) {
    try (Backend backend = Backends.open("auto", 1);
        Gpt model = new Gpt(backend, config.gpt(65), config.init());
        Region state = backend.region();
        Region activations = backend.region()) {
      model.parameters().train(state);
      GradientClip clip =
          new GradientClip(backend, state, model.parameters().tensors(), config.gradClip());
      Optimizer optimizer =
          config.optimizer(backend, state, model.parameters().byName(), clip.factor());
      TrainingStep step =
          new TrainingStep(
              backend,
              new NextTokenPrediction(
                  model, (it, micro, x, y) -> {}, config.batchSize(), config.blockSize()),
              optimizer,
              clip,
              1,
              config.seed(),
              activations);
      var memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      step.run(0, 1e-3);
      long taken = activations.bytes() + state.bytes();

      long deadline = System.nanoTime() + PATIENCE.toNanos();
      long perStep = Long.MAX_VALUE;
      while (perStep > bytesPerStep && System.nanoTime() < deadline) {
        long before = memory.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < STEPS; i++) {
          step.run(i, 1e-3);
        }
        perStep = (memory.getCurrentThreadAllocatedBytes() - before) / STEPS;
      }
      assertThat(perStep).isLessThanOrEqualTo(bytesPerStep);
      assertThat(activations.bytes() + state.bytes()).isEqualTo(taken);
    }
  }
}

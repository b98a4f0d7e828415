package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.Training;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.objective.NextTokenPrediction;
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
        Training training =
            new Training(
                model,
                config,
                new NextTokenPrediction(
                    model,
                    (it, micro, x, y) -> {},
                    config.batch().batchSize(),
                    config.model().blockSize()))) {
      var memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      training.step().run(0, 1e-3);
      long taken = training.bytes();

      long deadline = System.nanoTime() + PATIENCE.toNanos();
      long perStep = Long.MAX_VALUE;
      while (perStep > bytesPerStep && System.nanoTime() < deadline) {
        long before = memory.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < STEPS; i++) {
          training.step().run(i, 1e-3);
        }
        perStep = (memory.getCurrentThreadAllocatedBytes() - before) / STEPS;
      }
      assertThat(perStep).isLessThanOrEqualTo(bytesPerStep);
      assertThat(training.bytes()).isEqualTo(taken);
    }
  }
}

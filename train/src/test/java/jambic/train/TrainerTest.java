package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.CharTokenizer;
import jambic.model.Checkpoint;
import jambic.model.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.Trainer.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  private static final String TEXT = "To be, or not to be: that is the question.\n".repeat(40);
  private static final TrainConfig CONFIG =
      Preset.SHAKESPEARE_CHAR_CPU
          .config()
          .withAll(
              Map.of(
                  "nLayer", 2,
                  "nHead", 2,
                  "nEmbd", 16,
                  "blockSize", 8,
                  "batchSize", 3,
                  "gradientAccumulationSteps", 2,
                  "dropout", 0.1,
                  "maxIters", 12,
                  "evalInterval", 5,
                  "evalIters", 2));

  @TempDir Path temp;
  private final Backend backend = Backends.open("auto", 2);
  private final Tokenizer tokenizer = CharTokenizer.of(TEXT);
  private final Dataset data = Dataset.split(Tokens.of(tokenizer.encode(TEXT)), 8, "the text");

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void learns() {
    TrainConfig longer =
        CONFIG.withAll(Map.of("maxIters", 60, "evalInterval", 60, "dropout", 0, "warmupIters", 0));
    Path run = temp.resolve("run");
    assertThat(train(longer, run, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    List<Double> losses = losses(run);
    assertThat(losses).hasSize(60);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.3);
  }

  @Test
  void goesOnWithTheSameBitsWhereverItStopped() throws Exception {
    Path whole = temp.resolve("whole");
    train(CONFIG, whole, Integer.MAX_VALUE);
    // Asked to stop amid the first evaluation, after steps, amid the second evaluation, and so on.
    for (int stop : new int[] {1, 5, 7, 11, 15, 20}) {
      Path parts = temp.resolve("parts" + stop);
      assertThat(train(CONFIG, parts, stop)).isEqualTo(Outcome.STOPPED);
      assertThat(resume(parts)).isEqualTo(Outcome.FINISHED);
      assertThat(losses(parts)).isEqualTo(losses(whole));
      for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
        assertThat(parts.resolve("last").resolve(file))
            .hasSameBinaryContentAs(whole.resolve("last").resolve(file));
      }
    }
  }

  @Test
  void goesOnFromTheLastCheckpointAfterACrash() {
    Path whole = temp.resolve("whole");
    train(CONFIG, whole, Integer.MAX_VALUE);
    Path crashed = temp.resolve("crashed");
    AtomicInteger steps = new AtomicInteger();
    Trainer.Listener crash =
        new Trainer.Listener() {
          @Override
          public void onStep(Metrics.Step step) {
            if (steps.incrementAndGet() == 8) {
              throw new IllegalStateException("pulled the plug");
            }
          }
        };
    try (Trainer trainer =
        Trainer.begin(backend, CONFIG, data, tokenizer, crashed, OptionalDouble.empty())) {
      assertThatThrownBy(() -> trainer.run(crash, () -> false)).hasMessage("pulled the plug");
    }
    assertThat(resume(crashed)).isEqualTo(Outcome.FINISHED);
    assertThat(losses(crashed)).isEqualTo(losses(whole));
    assertThat(crashed.resolve("last/model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("last/model.safetensors"));
  }

  @Test
  void keepsTheBestAndTheLastModel() {
    Path run = temp.resolve("run");
    train(CONFIG, run, Integer.MAX_VALUE);
    for (String name : List.of("best", "last")) {
      try (Checkpoint checkpoint = Checkpoint.open(run.resolve(name))) {
        assertThat(checkpoint.config()).isEqualTo(CONFIG.gpt(tokenizer.vocabSize()));
        assertThat(checkpoint.tokenizer()).isPresent();
      }
    }
  }

  @Test
  void stopsWhenTheLossExplodesAndKeepsTheLastGoodCheckpoint() {
    Path run = temp.resolve("run");
    TrainConfig wild =
        CONFIG.withAll(Map.of("learningRate", 1e6, "minLr", 1e6, "warmupIters", 0, "gradClip", 0));
    assertThatThrownBy(() -> train(wild, run, Integer.MAX_VALUE))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("diverged")
        .hasMessageContaining("lower learning rate");
    assertThat(Trainer.configOf(run)).isEqualTo(wild);
  }

  @Test
  void refusesAFolderThatHoldsARun() {
    Path run = temp.resolve("run");
    train(CONFIG, run, 1);
    assertThatThrownBy(() -> train(CONFIG, run, 1))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("--resume");
  }

  @Test
  void refusesToResumeNothingOtherDataOrAnotherModel() throws Exception {
    assertThatThrownBy(() -> Trainer.configOf(temp.resolve("nowhere")))
        .isInstanceOf(JambicException.class);
    Path run = temp.resolve("run");
    train(CONFIG, run, 1);
    Dataset other = Dataset.split(Tokens.of(new int[500]), 8, "zeros");
    assertThatThrownBy(
            () -> Trainer.resume(backend, CONFIG, other, run, OptionalDouble.empty()).close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("other data");
    assertThatThrownBy(() ->
            Trainer.resume(backend, CONFIG.with("nEmbd", 32), data, run, OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("keeps its model");
    Files.writeString(run.resolve("last/training.json"), "{}");
    assertThatThrownBy(() -> Trainer.configOf(run))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void refusesToResumeForLessThanItHasDone() {
    Path run = temp.resolve("run");
    train(CONFIG, run, Integer.MAX_VALUE);
    TrainConfig shorter = CONFIG.with("maxIters", 11);
    assertThatThrownBy(
            () -> Trainer.resume(backend, shorter, data, run, OptionalDouble.empty()).close())
        .isInstanceOf(JambicException.class)
        .hasMessage(run + " has done 12 iterations already, more than maxIters (11)");
  }

  @Test
  void beginsAnewWhereACrashCameBeforeTheFirstCheckpoint() throws Exception {
    Path run = Files.createDirectories(temp.resolve("run"));
    Files.writeString(run.resolve(MetricsLog.FILE_NAME), "{\"iter\":0,\"train_loss\":4.0");
    assertThat(train(CONFIG, run, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    assertThat(losses(run)).hasSize(12);
  }

  private Outcome train(TrainConfig config, Path run, int stopAfter) {
    AtomicInteger steps = new AtomicInteger();
    try (Trainer trainer =
        Trainer.begin(backend, config, data, tokenizer, run, OptionalDouble.empty())) {
      return trainer.run(new Trainer.Listener() {}, () -> steps.incrementAndGet() >= stopAfter);
    }
  }

  private Outcome resume(Path run) {
    try (Trainer trainer =
        Trainer.resume(backend, Trainer.configOf(run), data, run, OptionalDouble.empty())) {
      return trainer.run(new Trainer.Listener() {}, () -> false);
    }
  }

  private static List<Double> losses(Path run) {
    List<Double> losses = new ArrayList<>();
    for (Metrics metrics : MetricsLog.read(run.resolve(MetricsLog.FILE_NAME))) {
      if (metrics instanceof Metrics.Step step) {
        losses.add(step.loss());
      }
    }
    return losses;
  }
}

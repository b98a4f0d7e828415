package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.LanguageModel;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.gpt.Gpt;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.example.TokenExample;
import jambic.train.objective.AnswerBatches;
import jambic.train.objective.AnswerPrediction;
import jambic.train.objective.Objective;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run of another objective than next tokens: sums of two digits, of which the answer counts. */
class AnswerTrainingTest {
  private static final TrainConfig CONFIG =
      Preset.SHAKESPEARE_CHAR_CPU
          .config()
          .withAll(
              Map.of(
                  "nLayer", 1,
                  "nHead", 2,
                  "nEmbd", 16,
                  "blockSize", 8,
                  "batchSize", 5,
                  "gradientAccumulationSteps", 2,
                  "maxIters", 40,
                  "learningRate", 0.02,
                  "evalInterval", 10,
                  "evalIters", 2));

  @TempDir Path temp;
  private final Backend backend = Backends.open("cpu", 2);
  private final Tokenizer tokenizer = CharTokenizer.of("0123456789+=");

  /** The sums of the digits, every third held back. */
  private record Sums(Tokenizer tokenizer, String fingerprint) implements TrainingTask {
    @Override
    public Objective objective(LanguageModel model, TrainConfig config) {
      List<TokenExample> train = new ArrayList<>();
      List<TokenExample> val = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        int[] prompt = tokenizer.encode(i / 10 + "+" + i % 10 + "=");
        int[] answer = tokenizer.encode(Integer.toString(i / 10 + i % 10));
        (i % 3 == 0 ? val : train).add(TokenExample.of(prompt, answer));
      }
      return new AnswerPrediction(
          model,
          batches(train, config),
          batches(val, config),
          config.batch().gradientAccumulationSteps());
    }

    private static AnswerBatches batches(List<TokenExample> examples, TrainConfig config) {
      return new AnswerBatches(
          examples, config.batch().batchSize(), config.model().blockSize(), config.seed());
    }

    @Override
    public void requireIds(int vocabSize) {
      assertThat(vocabSize).isEqualTo(tokenizer.vocabSize());
    }
  }

  @AfterEach
  void close() {
    backend.close();
  }

  @Test
  void learnsAnswersAndGoesOnWithTheSameBits() {
    TrainingTask sums = new Sums(tokenizer, "sums");
    Path whole = temp.resolve("whole");
    assertThat(begin(sums, whole, Integer.MAX_VALUE)).isEqualTo(Outcome.FINISHED);
    List<Double> losses = losses(whole);
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.5);

    Path parts = temp.resolve("parts");
    assertThat(begin(sums, parts, 60)).isEqualTo(Outcome.STOPPED);
    try (Trainer trainer = resume(sums, parts)) {
      assertThat(trainer.iteration()).isBetween(1, 39);
      assertThat(trainer.run(new RunListener() {})).isEqualTo(Outcome.FINISHED);
    }
    assertThat(losses(parts)).isEqualTo(losses);
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      assertThat(parts.resolve("last").resolve(file))
          .hasSameBinaryContentAs(whole.resolve("last").resolve(file));
    }
  }

  @Test
  void doesNotGoOnWithAnotherTask() {
    Path run = temp.resolve("run");
    assertThat(begin(new Sums(tokenizer, "sums"), run, 30)).isEqualTo(Outcome.STOPPED);
    assertThatThrownBy(() -> resume(new Sums(tokenizer, "other sums"), run))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("was trained on other data");
  }

  private Outcome begin(TrainingTask task, Path run, int stopAfter) {
    AtomicInteger asked = new AtomicInteger();
    Gpt model = new Gpt(backend, CONFIG.gpt(tokenizer.vocabSize()), CONFIG.init());
    try (Trainer trainer =
        Trainer.begin(model, CONFIG, task, tokenizer, run, OptionalDouble.empty())) {
      return trainer.run(new RunListener() {}, () -> asked.incrementAndGet() >= stopAfter);
    }
  }

  private Trainer resume(TrainingTask task, Path run) {
    return Trainer.resume(
        backend, CONFIG, task, run, BaseModelResolver.NONE, OptionalDouble.empty());
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

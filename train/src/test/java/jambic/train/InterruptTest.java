package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.text.CharTokenizer;
import jambic.model.text.TokenDecoder;
import jambic.model.text.TokenEncoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.Texts;
import jambic.train.data.TokenDataset;
import jambic.train.data.TokenSource;
import jambic.train.run.Metrics;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An interrupt, with which pools stop their threads, ends a run as a request to stop does. */
class InterruptTest {
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

  private static final Tokenizer TOKENIZER = CharTokenizer.of(TEXT);
  private static final Dataset DATA =
      Dataset.split(TokenSource.of(TOKENIZER.encode(TEXT)), 8, "the text");

  @TempDir static Path shared;
  private static Path whole;

  @TempDir Path temp;
  private final Backend backend = Backends.open("auto", 2);

  @BeforeAll
  static void runWhole() {
    whole = shared.resolve("whole");
    try (Backend backend = Backends.open("auto", 2);
        Trainer trainer = Trainer.begin(backend, CONFIG, DATA, TOKENIZER, whole)) {
      trainer.run(new RunListener() {});
    }
  }

  @AfterEach
  void close() {
    assertThat(Thread.interrupted()).isFalse();
    backend.close();
  }

  enum Moment {
    BEFORE_IT_BEGINS(0),
    AMID_AN_EVALUATION(5),
    IN_A_LISTENER_OF_AN_EVALUATION(5),
    IN_A_LISTENER_OF_A_STEP(8),
    WHILE_BEST_IS_SAVED(5),
    WHILE_LAST_IS_SAVED(5);

    private final int savedAt;

    Moment(int savedAt) {
      this.savedAt = savedAt;
    }
  }

  @ParameterizedTest
  @EnumSource
  void savesAndStopsWhenInterrupted(Moment moment) {
    Path run = temp.resolve("run");
    AtomicInteger saves = new AtomicInteger();
    Tokenizer observed =
        new Saved(
            TOKENIZER,
            () -> {
              int number = saves.incrementAndGet(); // 1: last at 0; then best and last at 5
              interruptIf(number == 2 && moment == Moment.WHILE_BEST_IS_SAVED);
              interruptIf(number == 3 && moment == Moment.WHILE_LAST_IS_SAVED);
            });
    RunListener listener =
        new RunListener() {
          @Override
          public void onStep(Metrics.Step step) {
            interruptIf(moment == Moment.IN_A_LISTENER_OF_A_STEP && step.iter() == 7);
          }

          @Override
          public void onEvaluationBatch(int iter, int done, int count) {
            interruptIf(moment == Moment.AMID_AN_EVALUATION && iter == 5 && done == 2);
          }

          @Override
          public void onEvaluation(Metrics.Evaluation evaluation) {
            interruptIf(moment == Moment.IN_A_LISTENER_OF_AN_EVALUATION && evaluation.iter() == 5);
          }
        };
    try (Trainer trainer = begin(observed, run)) {
      interruptIf(moment == Moment.BEFORE_IT_BEGINS);
      assertThat(trainer.run(listener)).isEqualTo(Outcome.STOPPED);
      assertThat(Thread.currentThread().isInterrupted()).as("interrupted afterwards").isTrue();
    }
    Trainer resumed = resume(run); // still interrupted: opening and locking do not mind
    assertThat(Thread.interrupted()).isTrue();
    assertEndsAsTheWhole(resumed, run, moment.savedAt);
  }

  @Test
  void anInterruptedThreadReadsCheckpointsAndPreparesTexts() throws IOException {
    Thread.currentThread().interrupt();
    try (Checkpoint<GptConfig, Gpt> checkpoint =
        Checkpoint.open(Gpt.FORMAT, whole.resolve(RunCheckpoints.BEST))) {
      checkpoint.model(backend).close();
    }
    assertThat(Trainer.configOf(whole)).isEqualTo(CONFIG);
    Path text = Files.writeString(temp.resolve("text"), TEXT);
    Dataset prepared =
        new TokenDataset(temp.resolve("data"))
            .write(Texts.of(text), TEXT.length(), TOKENIZER, OptionalInt.empty(), part -> {});
    assertThat(prepared.train().length()).isEqualTo(TEXT.length() * 9L / 10);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aPoolThatIsShutDownGetsARunThatIsSaved() throws Exception {
    Path run = temp.resolve("run");
    CountDownLatch reached = new CountDownLatch(1);
    try (ExecutorService pool = Executors.newSingleThreadExecutor()) {
      Future<Outcome> outcome =
          pool.submit(() -> {
            try (Trainer trainer =
                Trainer.begin(backend, CONFIG.with("maxIters", 1_000_000), DATA, TOKENIZER, run)) {
              return trainer.run(
                  new RunListener() {
                    @Override
                    public void onStep(Metrics.Step step) {
                      if (step.iter() == 300) {
                        reached.countDown();
                      }
                    }
                  });
            }
          });
      reached.await();
      pool.shutdownNow();
      assertThat(outcome.get()).isEqualTo(Outcome.STOPPED);
    }
    try (Trainer resumed = resume(run)) {
      assertThat(resumed.iteration()).isGreaterThanOrEqualTo(301);
    }
  }

  @Test
  void interruptsFromAnotherThreadAtAnyMomentLoseNothing() throws Exception {
    for (int attempt = 0; attempt < 5; attempt++) {
      Path run = temp.resolve("run" + attempt);
      Thread runner = Thread.currentThread();
      CountDownLatch saving = new CountDownLatch(1);
      Tokenizer observed = new Saved(TOKENIZER, saving::countDown);
      int micros = 500 * attempt;
      Thread other =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  saving.await();
                  Thread.sleep(Duration.ofNanos(1000L * micros));
                  runner.interrupt();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      try (Trainer trainer = begin(observed, run)) {
        trainer.run(new RunListener() {});
      }
      while (other.isAlive()) {
        Thread.onSpinWait(); // a join would be interrupted
      }
      Thread.interrupted();
      assertEndsAsTheWhole(resume(run), run, 0);
    }
  }

  private void assertEndsAsTheWhole(Trainer resumed, Path run, int least) {
    try (resumed) {
      assertThat(resumed.iteration()).isGreaterThanOrEqualTo(least);
      assertThat(resumed.run(new RunListener() {}, () -> false)).isEqualTo(Outcome.FINISHED);
    }
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      assertThat(run.resolve("last").resolve(file))
          .hasSameBinaryContentAs(whole.resolve("last").resolve(file));
    }
    assertThat(run.resolve("best/model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("best/model.safetensors"));
  }

  private Trainer begin(Tokenizer saved, Path run) {
    return Trainer.begin(backend, CONFIG, DATA, saved, run);
  }

  private Trainer resume(Path run) {
    return Trainer.resume(
        backend,
        Trainer.configOf(run),
        TrainingTask.nextTokens(DATA),
        run,
        BaseModelResolver.NONE,
        OptionalDouble.empty());
  }

  private static void interruptIf(boolean now) {
    if (now) {
      Thread.currentThread().interrupt();
    }
  }

  /** A tokenizer that tells when it is saved, which is amid the saving of a checkpoint. */
  private record Saved(Tokenizer tokenizer, Runnable saving) implements Tokenizer {
    @Override
    public int[] encode(String text) {
      return tokenizer.encode(text);
    }

    @Override
    public TokenEncoder encoder() {
      return tokenizer.encoder();
    }

    @Override
    public String decode(int... ids) {
      return tokenizer.decode(ids);
    }

    @Override
    public TokenDecoder decoder() {
      return tokenizer.decoder();
    }

    @Override
    public int vocabSize() {
      return tokenizer.vocabSize();
    }

    @Override
    public void save(Path folder) {
      saving.run();
      tokenizer.save(folder);
    }
  }
}

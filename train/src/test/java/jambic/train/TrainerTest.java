package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.Safetensors;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.DeviceLostException;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.TokenSource;
import jambic.train.optim.Moment;
import jambic.train.optim.OptimizerKind;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import jambic.train.run.TrainingState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

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
  private final Dataset data = Dataset.split(TokenSource.of(tokenizer.encode(TEXT)), 8, "the text");

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

  @ParameterizedTest
  @EnumSource
  void goesOnWithTheSameBitsWhereverItStopped(OptimizerKind optimizer) throws Exception {
    TrainConfig config = CONFIG.with("optimizer", optimizer);
    Path whole = temp.resolve("whole");
    train(config, whole, Integer.MAX_VALUE);
    // Asked to stop amid the first evaluation, after steps, amid the second evaluation, and so on.
    for (int stop : new int[] {1, 5, 7, 11, 15, 20}) {
      Path parts = temp.resolve("parts" + stop);
      assertThat(train(config, parts, stop)).isEqualTo(Outcome.STOPPED);
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
    RunListener crash =
        new RunListener() {
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
      try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, run.resolve(name))) {
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
        .hasMessageContaining("Trainer.resume");
  }

  @Test
  void refusesToResumeNothingOtherDataOrAnotherModel() throws Exception {
    assertThatThrownBy(() -> Trainer.configOf(temp.resolve("nowhere")))
        .isInstanceOf(JambicException.class);
    Path run = temp.resolve("run");
    train(CONFIG, run, 1);
    Dataset other = Dataset.split(TokenSource.of(new int[500]), 8, "zeros");
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    CONFIG,
                    TrainingTask.nextTokens(other),
                    run,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("other data");
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    CONFIG.with("nEmbd", 32),
                    TrainingTask.nextTokens(data),
                    run,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a resumed run keeps its model, batches, optimizer and seed: nEmbd is 16 in its"
                + " checkpoint, not 32; leave that as it was, or begin a new run");
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    CONFIG.withAll(Map.of("seed", 5, "batchSize", 4)),
                    TrainingTask.nextTokens(data),
                    run,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("batchSize is 3 in its checkpoint, not 4, seed is 1337 in its");
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
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    shorter,
                    TrainingTask.nextTokens(data),
                    run,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
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

  @Test
  void refusesToResumeWithAnotherOptimizer() {
    Path run = temp.resolve("run");
    train(CONFIG, run, 1);
    TrainConfig other = CONFIG.with("optimizer", "muon");
    assertThatThrownBy(() ->
            Trainer.resume(
                    backend,
                    other,
                    TrainingTask.nextTokens(data),
                    run,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty())
                .close())
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("optimizer is adamw in its checkpoint, not muon");
  }

  @Test
  void saysWhatSteersAResumedRunElsewhere() {
    Path run = temp.resolve("run");
    train(CONFIG, run, 3);
    List<String> notices = new ArrayList<>();
    TrainConfig other = CONFIG.withAll(Map.of("learningRate", 0.5, "maxIters", 13));
    try (Trainer trainer =
        Trainer.resume(
            backend,
            other,
            TrainingTask.nextTokens(data),
            run,
            BaseModelResolver.NONE,
            OptionalDouble.empty())) {
      trainer.run(noting(notices), () -> true);
    }
    assertThat(notices)
        .containsExactly(
            "the run goes on with learningRate 0.5 (was 0.001), so it will not be the one it would"
                + " have been");
  }

  @Test
  void resumesBesideADamagedLog() throws Exception {
    Path whole = temp.resolve("whole");
    train(CONFIG, whole, Integer.MAX_VALUE);
    Path run = temp.resolve("run");
    train(CONFIG, run, 11);
    Path log = run.resolve(MetricsLog.FILE_NAME);
    Files.writeString(log, "null\n" + Files.readString(log));
    List<String> notices = new ArrayList<>();
    try (Trainer trainer =
        Trainer.resume(
            backend,
            CONFIG,
            TrainingTask.nextTokens(data),
            run,
            BaseModelResolver.NONE,
            OptionalDouble.empty())) {
      assertThat(trainer.run(noting(notices), () -> false)).isEqualTo(Outcome.FINISHED);
    }
    assertThat(notices).singleElement().asString().contains("1 damaged line;");
    assertThat(losses(run)).isEqualTo(losses(whole));
  }

  private static RunListener noting(List<String> notices) {
    return new RunListener() {
      @Override
      public void onNotice(String notice) {
        notices.add(notice);
      }
    };
  }

  @Test
  void givesUpAnIterationBetweenItsMicroBatches() {
    Path run = temp.resolve("run");
    TrainConfig long1 = CONFIG.with("gradientAccumulationSteps", 1_000_000);
    AtomicInteger asked = new AtomicInteger();
    try (Trainer trainer =
        Trainer.begin(backend, long1, data, tokenizer, run, OptionalDouble.empty())) {
      Outcome outcome = trainer.run(new RunListener() {}, () -> asked.incrementAndGet() > 10);
      assertThat(outcome).isEqualTo(Outcome.STOPPED);
      assertThat(trainer.iteration()).isZero();
    }
    assertThat(asked).hasValue(11);
    assertThat(losses(run)).isEmpty();
  }

  @Test
  void oneTrainerHasAFolder() {
    Path run = temp.resolve("run");
    try (Trainer first =
        Trainer.begin(backend, CONFIG, data, tokenizer, run, OptionalDouble.empty())) {
      assertThatThrownBy(() -> train(CONFIG, run, 1))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              run + " is in use by a run of this process; wait for it, or name another folder");
      first.run(new RunListener() {}, () -> true);
      assertThatThrownBy(() -> resume(run)).hasMessageContaining("is in use by");
    }
    assertThat(resume(run)).isEqualTo(Outcome.FINISHED);
  }

  @Test
  void anotherProcessHasTheFolder() throws Exception {
    Path run = Files.createDirectories(temp.resolve("run"));
    String hold =
        "try (var c = java.nio.channels.FileChannel.open(java.nio.file.Path.of(args[0]),"
            + " java.nio.file.StandardOpenOption.CREATE,"
            + " java.nio.file.StandardOpenOption.WRITE)) {"
            + " c.lock(); System.out.println(\"held\"); System.in.read(); }";
    Path program = temp.resolve("Hold.java");
    Files.writeString(
        program,
        "class Hold { public static void main(String[] args) throws Exception {" + hold + "} }");
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                program.toString(),
                run.resolve(".lock").toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("held");
      assertThatThrownBy(() -> train(CONFIG, run, 1))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              run + " is in use by a run of another process; wait for it, or name another folder");
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertThat(train(CONFIG, run, 1)).isEqualTo(Outcome.STOPPED); // the system freed it
  }

  @Test
  void refusesToOverwriteWhatAFolderHolds() throws Exception {
    Path thesis = Files.createDirectories(temp.resolve("thesis/best")).resolve("thesis.txt");
    Files.writeString(thesis, "mine");
    assertRefused(temp.resolve("thesis"), "holds best, which a new run would overwrite");
    Path logged = Files.createDirectories(temp.resolve("logged"));
    Files.writeString(logged.resolve(MetricsLog.FILE_NAME), "{\"iter\":1,\"loss\":3}\n");
    assertRefused(logged, "holds metrics.jsonl, which a new run would overwrite");
    Path notes = Files.createDirectories(temp.resolve("notes"));
    Files.writeString(notes.resolve(MetricsLog.FILE_NAME), "mine\n");
    assertRefused(notes, "holds metrics.jsonl, which a new run would overwrite");
    Path file = Files.writeString(temp.resolve("file"), "mine");
    assertThatThrownBy(() -> train(CONFIG, file, 1))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + " is no folder; name another for the run");
    Path run = temp.resolve("run");
    train(CONFIG, run, Integer.MAX_VALUE);
    Files.move(run.resolve("last"), temp.resolve("lost"));
    assertRefused(run, "holds best and metrics.jsonl, which a new run would overwrite");
  }

  private void assertRefused(Path folder, String why) throws Exception {
    List<Path> before = files(folder);
    assertThatThrownBy(() -> train(CONFIG, folder, 1))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(why)
        .hasMessageContaining("another folder");
    assertThat(files(folder)).isEqualTo(before);
  }

  private static List<Path> files(Path folder) throws Exception {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.sorted().toList();
    }
  }

  @Test
  void refusesToResumeWhereTheBestModelWouldOverwriteOtherFiles() throws Exception {
    Path run = temp.resolve("run");
    train(CONFIG, run, 3);
    Path best = Files.createDirectories(run.resolve("best"));
    Files.writeString(best.resolve("thesis.txt"), "mine");
    assertThatThrownBy(() -> resume(run))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(best + " holds files but no checkpoint");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "\"iteration\" : \\d+ | \"iteration\" : -7 | iteration must be a whole number",
        "\"iteration\" : \\d+ | \"iteration\" : 12.7 | not '12.7'",
        "\"iteration\" : \\d+ | \"iteration\" : 1e30 | not '1.0E30'",
        "\"iteration\" : \\d+ | \"iteration\" : \"x\" | not 'x'",
        "\"best_val_loss\" : [^,]+ | \"best_val_loss\" : \"NaN\" | best_val_loss must be a number",
        "(?s).* | null | it is no JSON object",
        "(?s).* | {{ | it is not JSON"
      })
  void refusesADamagedState(String what, String by, String why) throws Exception {
    Path run = temp.resolve("run");
    train(CONFIG, run, 3);
    Path file = run.resolve("last/training.json");
    Files.writeString(file, Files.readString(file).replaceFirst(what, by));
    assertThatThrownBy(() -> Trainer.configOf(run))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file.toRealPath() + " is damaged (")
        .hasMessageContaining(why);
  }

  @Test
  void refusesMomentsThatAreNoNumbers() throws Exception {
    Path moments = temp.resolve("m/optimizer.safetensors");
    Files.createDirectories(moments.getParent());
    Safetensors.write(
        moments,
        Map.of(),
        List.of(Safetensors.Source.ofFloats("wte.m", List.of(2L), new float[] {1, Float.NaN}, 0)));
    try (Region region = backend.region()) {
      Tensor moment = region.allocate(DType.F32, Shape.of(2));
      Map<String, Moment> wanted = Moment.of(Map.of("wte.m", moment));
      assertThatThrownBy(
              () -> TrainingState.readMoments(moments.getParent(), wanted, DataParallel.alone()))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              moments
                  + " is damaged (wte.m holds NaN); restore it, or begin a run in another folder");
    }
  }

  @Test
  void refusesIdsThatTheTokenizerLacks() {
    assertThatThrownBy(() -> TokenSource.of(3, -1)).hasMessage("token 1 has the id -1, below 0");
    int[] ids = new int[500];
    ids[499] = 77;
    Dataset foreign = Dataset.split(TokenSource.of(ids), 8, "foreign");
    assertThatThrownBy(
            () -> Trainer.begin(backend, CONFIG, foreign, tokenizer, temp.resolve("run")))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("token 49 of the val part has the id 77, but the vocabulary has");
    assertThat(temp.resolve("run")).doesNotExist();
  }

  @Test
  void saysThatThereIsNoCheckpointYet() {
    TrainConfig wild = CONFIG.with("initStd", 1e30);
    assertThatThrownBy(() -> train(wild, temp.resolve("run"), Integer.MAX_VALUE))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("there was no checkpoint yet");
  }

  @Test
  void aCheckpointThatCannotBeWrittenLeavesTheOneBefore() {
    Path run = temp.resolve("run");
    train(CONFIG, run, 7);
    Path last = run.resolve("last");
    RunListener spoiler =
        new RunListener() {
          @Override
          public void onStep(Metrics.Step step) {
            try {
              Files.deleteIfExists(last.resolve("config.json"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    try (Trainer trainer =
        Trainer.resume(
            backend,
            CONFIG,
            TrainingTask.nextTokens(data),
            run,
            BaseModelResolver.NONE,
            OptionalDouble.empty())) {
      assertThatThrownBy(() -> trainer.run(spoiler))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith(last + " holds files but no checkpoint")
          .hasMessageEndingWith(
              "; the checkpoint before it is kept in %s, from which the run can be resumed when"
                  + " that is mended",
              last);
    }
  }

  @Test
  void aRunWhoseFolderIsDeletedEndsWithThatAndMakesNoneAgain() {
    Path run = temp.resolve("run");
    RunListener deleting =
        new RunListener() {
          @Override
          public void onStep(Metrics.Step step) {
            try (Stream<Path> files = Files.walk(run)) {
              for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
              }
            } catch (NoSuchFileException deletedBefore) {
              // By the step before.
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    try (Trainer trainer = Trainer.begin(backend, CONFIG, data, tokenizer, run)) {
      assertThatThrownBy(() -> trainer.run(deleting))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              run.resolve("metrics.jsonl")
                  + " is gone: the run's folder was deleted or moved while it went on, so it ends;"
                  + " begin it again, or resume it where its folder is now");
    }
    assertThat(run).doesNotExist();
  }

  @Test
  void aLostDeviceLeavesTheLastCheckpointIfThereIsOne() {
    Path run = temp.resolve("run");
    DeviceLostException lost = new DeviceLostException("the device is lost", null);
    RunListener early =
        new RunListener() {
          @Override
          public void onEvaluationBatch(int iter, int done, int count) {
            throw lost;
          }
        };
    RunListener late =
        new RunListener() {
          @Override
          public void onStep(Metrics.Step step) {
            throw lost;
          }
        };
    try (Trainer trainer = Trainer.begin(backend, CONFIG, data, tokenizer, run)) {
      assertThatThrownBy(() -> trainer.run(early))
          .hasMessage("the device is lost; there was no checkpoint yet");
      assertThatThrownBy(() -> trainer.run(late))
          .hasMessage(
              "the device is lost; the checkpoint before it is kept in %s, from which the run can"
                  + " be resumed when that is mended",
              run.resolve("last"));
    }
  }

  @Test
  void aRunThatCannotBeWrittenIsNotToldToGoElsewhere() throws Exception {
    Path run = temp.resolve("run");
    train(CONFIG, run, 7);
    Files.delete(run.resolve(".lock"));
    Files.createDirectory(run.resolve(".lock"));
    assertThatThrownBy(() -> resume(run))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot write to " + run)
        .hasMessageEndingWith("allow that, or copy it and resume the copy");
  }

  @Test
  void aClosedRunSaysSo() {
    Trainer trainer = Trainer.begin(backend, CONFIG, data, tokenizer, temp.resolve("run"));
    trainer.close();
    trainer.close();
    assertThatThrownBy(() -> trainer.run(new RunListener() {}))
        .isInstanceOf(JambicException.class)
        .hasMessage("the run is closed; resume it");
  }

  private Outcome train(TrainConfig config, Path run, int stopAfter) {
    AtomicInteger steps = new AtomicInteger();
    try (Trainer trainer =
        Trainer.begin(backend, config, data, tokenizer, run, OptionalDouble.empty())) {
      return trainer.run(new RunListener() {}, () -> steps.incrementAndGet() >= stopAfter);
    }
  }

  private Outcome resume(Path run) {
    try (Trainer trainer =
        Trainer.resume(
            backend,
            Trainer.configOf(run),
            TrainingTask.nextTokens(data),
            run,
            BaseModelResolver.NONE,
            OptionalDouble.empty())) {
      return trainer.run(new RunListener() {}, () -> false);
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

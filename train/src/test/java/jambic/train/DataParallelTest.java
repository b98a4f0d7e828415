package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.gpt.Gpt;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.TokenSource;
import jambic.train.optim.OptimizerKind;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.Shards;
import jambic.train.parallel.ThreadRanks;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DataParallelTest {
  private static final String TEXT = "To be, or not to be: that is the question.\n".repeat(40);
  private static final TrainConfig CONFIG =
      Preset.SHAKESPEARE_CHAR_CPU
          .config()
          .withAll(
              Map.of(
                  "nLayer", 2,
                  "nHead", 2,
                  "nEmbd", 48, // some pieces of gradients
                  "blockSize", 8,
                  "batchSize", 2,
                  "gradientAccumulationSteps", 8,
                  "dropout", 0.1,
                  "maxIters", 6,
                  "evalInterval", 3,
                  "evalIters", 5));

  private static final RunListener SILENT = new RunListener() {};

  @TempDir Path temp;
  private final Tokenizer tokenizer = CharTokenizer.of(TEXT);
  private final Dataset data = Dataset.split(TokenSource.of(tokenizer.encode(TEXT)), 8, "the text");

  @ParameterizedTest
  @EnumSource
  void anyNumberOfRanksHasTheBitsOfOne(OptimizerKind optimizer) throws Exception {
    TrainConfig config = CONFIG.with("optimizer", optimizer);
    Path one = train(config, 1);
    for (int ranks : new int[] {2, 4, 8}) {
      assertSame(train(config, ranks), one);
    }
  }

  @Test
  void anOddFactorOfTheMicroBatchesStaysInALane() throws Exception {
    TrainConfig config = CONFIG.with("gradientAccumulationSteps", 6);
    assertSame(train(config, 2), train(config, 1));
  }

  @ParameterizedTest
  @CsvSource({"1, 4", "4, 1", "2, 8", "8, 2"})
  void goesOnWithAnotherNumberOfRanks(int before, int after) throws Exception {
    Path whole = train(CONFIG, 1);
    Path parts = temp.resolve("parts");
    assertThat(train(CONFIG, before, parts, rank -> (rank == before - 1 ? 4 : 99)))
        .containsOnly(Outcome.STOPPED);
    assertThat(Trainer.configOf(parts)).isEqualTo(CONFIG);
    assertThat(
            ThreadRanks.run(
                after,
                ranks -> {
                  try (Backend backend = Backends.open("cpu", 1);
                      Trainer trainer =
                          Trainer.resume(
                              backend,
                              CONFIG,
                              TrainingTask.nextTokens(data),
                              parts,
                              BaseModelResolver.NONE,
                              OptionalDouble.empty(),
                              ranks)) {
                    assertThat(trainer.iteration()).isEqualTo(4);
                    return trainer.run(SILENT);
                  }
                }))
        .containsOnly(Outcome.FINISHED);
    assertSame(parts, whole);
  }

  @Test
  void oneRankThatIsAskedToStopStopsAllAtTheSameIteration() throws Exception {
    Path folder = temp.resolve("stopped");
    assertThat(train(CONFIG, 4, folder, rank -> rank == 2 ? 3 : 99)).containsOnly(Outcome.STOPPED);
    assertThat(
            MetricsLog.read(folder.resolve("metrics.jsonl")).stream()
                .filter(Metrics.Step.class::isInstance))
        .hasSize(3);
  }

  @Test
  void eachRankKeepsItsShardOfTheMoments() throws Exception {
    List<Long> sizes =
        ThreadRanks.run(
            4,
            ranks -> {
              try (Backend backend = Backends.open("cpu", 1);
                  Gpt model = new Gpt(backend, CONFIG.gpt(20), CONFIG.init());
                  Training training =
                      new Training(
                          model,
                          CONFIG,
                          TrainingTask.nextTokens(data).objective(model, CONFIG),
                          ranks)) {
                return training.optimizer().state().values().stream().mapToLong(Tensor::size).sum();
              }
            });
    try (Backend backend = Backends.open("cpu", 1);
        Gpt model = new Gpt(backend, CONFIG.gpt(20), CONFIG.init())) {
      long all = 2 * model.parameters().count();
      long shard = 2 * (model.parameters().count() / 4 + Shards.PIECE);
      assertThat(sizes.stream().mapToLong(Long::longValue).sum()).isEqualTo(all);
      assertThat(sizes).allSatisfy(size -> assertThat(size).isLessThanOrEqualTo(shard));
    }
  }

  @Test
  void saysWhichRankTheOthersWaitFor() throws Exception {
    Path folder = train(CONFIG, 2);
    assertThat(MetricsLog.read(folder.resolve("metrics.jsonl")))
        .filteredOn(Metrics.Step.class::isInstance)
        .allSatisfy(line -> {
          Metrics.Step step = (Metrics.Step) line;
          assertThat(step.others()).containsOnlyKeys("slowest_ms", "slowest_rank", "waited_ms");
          assertThat(step.others().get("waited_ms")).isPositive();
          assertThat(step.others().get("slowest_rank")).isIn(0.0, 1.0);
          assertThat(step.others().get("slowest_ms")).isPositive();
        });
  }

  @ParameterizedTest
  @CsvSource({"3, 8, at most 8", "4, 2, at most 2", "2, 1, at most 1", "2, 5, at most 1"})
  void refusesRanksThatCannotShareTheMicroBatches(int ranks, int micros, String most) {
    TrainConfig config = CONFIG.with("gradientAccumulationSteps", micros);
    assertThatThrownBy(() -> train(config, ranks))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(micros + " micro batches")
        .hasMessageContaining(ranks + " ranks")
        .hasMessageContaining("a power of two")
        .hasMessageContaining(most)
        .hasMessageContaining("gradientAccumulationSteps");
    assertThat(temp.resolve(ranks + "-ranks")).doesNotExist();
  }

  @Test
  void refusesRanksThatDiffer() throws Exception {
    Dataset other =
        Dataset.split(TokenSource.of(tokenizer.encode(TEXT.substring(43))), 8, "the text");
    Map<String, ThreadRanks.Body<Trainer>> wrong =
        Map.of(
            "learningRate=0.5",
                ranks -> begin(CONFIG.with("learningRate", 0.5), data, "cpu", ranks),
            "data=", ranks -> begin(CONFIG, other, "cpu", ranks),
            "seed=9", ranks -> begin(CONFIG.with("seed", 9), data, "cpu", ranks),
            "backend=reference", ranks -> begin(CONFIG, data, "reference", ranks));
    for (Map.Entry<String, ThreadRanks.Body<Trainer>> each : wrong.entrySet()) {
      List<Object> outcomes =
          ThreadRanks.outcomes(
              2,
              ranks ->
                  ranks.rank() == 1
                      ? each.getValue().run(ranks)
                      : begin(CONFIG, data, "cpu", ranks));
      assertThat(outcomes)
          .allSatisfy(outcome ->
              assertThat((Throwable) outcome)
                  .isInstanceOf(JambicException.class)
                  .hasMessageStartingWith("rank 0 and rank 1 differ: ")
                  .hasMessageContaining(each.getKey())
                  .hasMessageContaining("start all ranks with the same"));
      assertThat(temp.resolve("differs")).doesNotExist();
    }
  }

  @Test
  void refusesRanksThatResumeFromDifferentMoments() throws Exception {
    Path first = temp.resolve("first");
    train(CONFIG, 1, first, rank -> 2);
    Path second = temp.resolve("second");
    Files.createDirectories(second.resolve("last"));
    try (Stream<Path> files = Files.list(first.resolve("last"))) {
      for (Path file : files.toList()) {
        Files.copy(file, second.resolve("last").resolve(file.getFileName()));
      }
    }
    Path moments = second.resolve("last/optimizer.safetensors");
    byte[] bytes = Files.readAllBytes(moments);
    bytes[bytes.length - 4] ^= 1; // the least bit of the last moment
    Files.write(moments, bytes);
    List<Object> outcomes =
        ThreadRanks.outcomes(
            2,
            ranks -> {
              try (Backend backend = Backends.open("cpu", 1)) {
                return Trainer.resume(
                    backend,
                    CONFIG,
                    TrainingTask.nextTokens(data),
                    ranks.isFirst() ? first : second,
                    BaseModelResolver.NONE,
                    OptionalDouble.empty(),
                    ranks);
              }
            });
    assertThat(outcomes)
        .allSatisfy(outcome ->
            assertThat((Throwable) outcome)
                .isInstanceOf(JambicException.class)
                .hasMessageStartingWith("rank 0 and rank 1 read different moments from ")
                .hasMessageContaining("share the run's folder"));
  }

  @Test
  void theFolderIsLockedOnlyWhenAllRanksAreThere() throws Exception {
    Path folder = temp.resolve("early");
    List<Object> outcomes =
        ThreadRanks.outcomes(
            2,
            ranks -> {
              if (ranks.rank() == 1) {
                Thread.sleep(300); // so that rank 0 is where it waits
                assertThat(folder).doesNotExist();
                throw new JambicException("the disk of rank 1 is full");
              }
              try (Backend backend = Backends.open("cpu", 1)) {
                return Trainer.begin(
                    backend, CONFIG, data, tokenizer, folder, OptionalDouble.empty(), ranks);
              }
            });
    assertThat((Throwable) outcomes.get(1)).hasMessage("the disk of rank 1 is full");
    assertThat(folder).doesNotExist();
  }

  private Trainer begin(TrainConfig config, Dataset what, String name, DataParallel ranks) {
    try (Backend backend = Backends.open(name, 1)) {
      return Trainer.begin(
          backend, config, what, tokenizer, temp.resolve("differs"), OptionalDouble.empty(), ranks);
    }
  }

  @Test
  void aRankThatFailsEndsTheOthers() throws Exception {
    List<Object> outcomes =
        ThreadRanks.outcomes(
            4,
            ranks -> {
              try (Backend backend = Backends.open("cpu", 1);
                  Trainer trainer =
                      Trainer.begin(
                          backend,
                          CONFIG,
                          data,
                          tokenizer,
                          temp.resolve("failed"),
                          OptionalDouble.empty(),
                          ranks)) {
                return trainer.run(
                    SILENT,
                    () -> {
                      if (ranks.rank() == 3 && trainer.iteration() == 2) {
                        throw new JambicException("the disk of rank 3 is full");
                      }
                      return false;
                    });
              }
            });
    assertThat(outcomes.subList(0, 3)).hasOnlyElementsOfType(ThreadRanks.Aborted.class);
    assertThat((Throwable) outcomes.get(3)).hasMessage("the disk of rank 3 is full");
  }

  private Path train(TrainConfig config, int size) throws Exception {
    Path folder = temp.resolve(size + "-ranks");
    train(config, size, folder, rank -> Integer.MAX_VALUE);
    return folder;
  }

  private List<Outcome> train(TrainConfig config, int size, Path folder, IntUnaryOperator stopAt)
      throws Exception {
    return ThreadRanks.run(
        size,
        ranks -> {
          try (Backend backend = Backends.open("cpu", 1);
              Trainer trainer =
                  Trainer.begin(
                      backend, config, data, tokenizer, folder, OptionalDouble.empty(), ranks)) {
            int stop = stopAt.applyAsInt(ranks.rank());
            return trainer.run(SILENT, () -> trainer.iteration() >= stop);
          }
        });
  }

  private static void assertSame(Path folder, Path expected) throws Exception {
    for (String file : List.of("model.safetensors", "optimizer.safetensors", "training.json")) {
      assertThat(
              Files.mismatch(
                  folder.resolve("last").resolve(file), expected.resolve("last").resolve(file)))
          .as(file)
          .isEqualTo(-1);
    }
    assertThat(measured(folder)).isEqualTo(measured(expected));
  }

  private static List<Double> measured(Path folder) {
    List<Double> numbers = new ArrayList<>();
    for (Metrics line : MetricsLog.read(folder.resolve("metrics.jsonl"))) {
      switch (line) {
        case Metrics.Step step -> numbers.addAll(List.of(step.loss(), step.gradNorm()));
        case Metrics.Evaluation evaluation ->
            numbers.addAll(List.of(evaluation.trainLoss(), evaluation.valLoss()));
      }
    }
    return numbers;
  }
}

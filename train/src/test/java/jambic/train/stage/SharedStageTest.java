package jambic.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.tensor.JambicException;
import jambic.train.config.FlatRecord;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.ThreadRanks;
import jambic.train.policy.GrpoConfig;
import jambic.train.preference.DpoConfig;
import jambic.train.preference.KtoConfig;
import jambic.train.preference.RewardConfig;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stages on several ranks. */
class SharedStageTest {
  private static final SftConfig CONFIG =
      FlatRecord.with(
          SftConfig.class,
          Toy.SFT,
          Map.of("gradientAccumulationSteps", 8, "batchSize", 2, "maxIters", 4));

  @TempDir Path temp;

  /** Rows have answers of other lengths, so that micro batches weigh differently. */
  @Test
  void fineTuningOnAnyNumberOfRanksHasTheBitsOfOne() throws Exception {
    Path one = sft(1);
    for (int size : new int[] {2, 8}) {
      Path folder = sft(size);
      for (String file : List.of("model.safetensors", "optimizer.safetensors", "training.json")) {
        assertThat(folder.resolve("last").resolve(file))
            .hasSameBinaryContentAs(one.resolve("last").resolve(file));
      }
    }
  }

  private Path sft(int size) throws Exception {
    Path folder = temp.resolve("sft" + size);
    assertThat(
            ThreadRanks.run(
                size,
                ranks -> {
                  try (Toy toy = new Toy(1)) {
                    return train(toy, folder, ranks);
                  }
                }))
        .containsOnly(Outcome.FINISHED);
    assertThat(Files.exists(folder.resolve("last"))).isTrue();
    return folder;
  }

  private static Outcome train(Toy toy, Path folder, DataParallel ranks) {
    Toy.Run<?, Gpt> run =
        toy.run(
            CONFIG,
            model -> Sft.work(model, CONFIG, Toy.examples(), Toy.examples(), Toy.CONTEXT, ranks),
            () -> toy.gpt(0.1f));
    try (StageRun<Gpt> stage = run.begin(folder, ranks)) {
      return stage.run(new RunListener() {}, () -> false);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {DpoConfig.STAGE, KtoConfig.STAGE, RewardConfig.STAGE})
  void learningFromPreferencesOnAnyNumberOfRanksHasTheBitsOfOne(String stage) throws Exception {
    Path one = preferences(stage, 1);
    for (int size : new int[] {2, 4}) {
      Path folder = preferences(stage, size);
      for (String file : List.of("model.safetensors", "optimizer.safetensors", "training.json")) {
        assertThat(folder.resolve("last").resolve(file))
            .hasSameBinaryContentAs(one.resolve("last").resolve(file));
      }
      assertThat(logged(folder)).isEqualTo(logged(one));
    }
  }

  private Path preferences(String stage, int size) throws Exception {
    Path folder = temp.resolve(stage + size);
    assertThat(
            ThreadRanks.run(
                size,
                ranks -> {
                  try (Toy toy = new Toy(1);
                      StageRun<?> run = toy.preferences(stage, 4, ranks).begin(folder, ranks)) {
                    return run.run(new RunListener() {}, () -> false);
                  }
                }))
        .containsOnly(Outcome.FINISHED);
    return folder;
  }

  /** All that does not depend on the clock. */
  private static List<Object> logged(Path folder) {
    List<Object> logged = new ArrayList<>();
    for (Metrics line : MetricsLog.read(folder.resolve(MetricsLog.FILE_NAME))) {
      switch (line) {
        case Metrics.Step step -> {
          Map<String, Double> others = new TreeMap<>(step.others());
          others.remove("waited_ms");
          logged.addAll(List.of(step.loss(), step.gradNorm(), others));
        }
        case Metrics.Evaluation evaluation ->
            logged.addAll(
                List.of(evaluation.trainLoss(), evaluation.valLoss(), evaluation.others()));
      }
    }
    return logged;
  }

  @Test
  void aStageThatOneProcessDoesRefusesRanks() {
    Path folder = temp.resolve("grpo");
    assertThatThrownBy(() ->
            ThreadRanks.run(
                2,
                ranks -> {
                  try (Toy toy = new Toy(1)) {
                    return toy.run(GrpoConfig.STAGE).begin(folder, ranks);
                  }
                }))
        .isInstanceOf(JambicException.class)
        .hasMessage("grpo trains on one process only, not on 2 ranks; start it without a launcher");
    assertThat(folder).doesNotExist();
  }
}

package jambic.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.JambicException;
import jambic.train.config.FlatRecord;
import jambic.train.policy.GrpoConfig;
import jambic.train.policy.PpoConfig;
import jambic.train.policy.Reward;
import jambic.train.preference.DpoConfig;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that stop or fail amid an iteration and are resumed have the bits of those that do not. */
class StageRunTest {
  private static final RunListener QUIET = new RunListener() {};
  private static final BooleanSupplier NEVER = () -> false;

  @TempDir Path temp;

  /** Asks to stop at a call after some iterations; 1 is behind the last of them. */
  private static final class StopAt implements RunListener, BooleanSupplier {
    private final int after;
    private final int call;
    private int steps;
    private int calls;
    private int most;

    StopAt(int after, int call) {
      this.after = after;
      this.call = call;
    }

    @Override
    public void onStep(Metrics.Step step) {
      steps = step.iter() + 1;
      calls = 0;
    }

    @Override
    public boolean getAsBoolean() {
      if (steps != after) {
        return false;
      }
      calls++;
      most = calls;
      return calls == call;
    }
  }

  /** What a checkpoint holds, byte for byte, but for the model's configuration and texts. */
  private static Map<String, byte[]> bits(Path run) {
    Map<String, byte[]> bits = new LinkedHashMap<>();
    for (String file :
        List.of(
            "model.safetensors",
            "adapter_model.safetensors",
            "optimizer.safetensors",
            "ppo.json")) {
      Path path = run.resolve("last").resolve(file);
      try {
        bits.put(file, Files.exists(path) ? Files.readAllBytes(path) : new byte[0]);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
    return bits;
  }

  private static void requireSame(Path actual, Map<String, byte[]> expected) {
    bits(actual).forEach((file, bytes) -> assertThat(bytes).as(file).isEqualTo(expected.get(file)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", Toy.PACKED, "dpo", "kto", "reward", "ppo", Toy.SHARED, "grpo"})
  void aRunThatStopsAmidAnIterationHasTheSameBitsWhenResumed(String stage) throws Exception {
    try (Toy toy = new Toy(2)) {
      StopAt never = new StopAt(2, Integer.MAX_VALUE);
      Path whole = temp.resolve("whole");
      try (StageRun<?> run = toy.run(stage).begin(whole)) {
        assertThat(run.run(never, never)).isEqualTo(Outcome.FINISHED);
      }
      assertThat(never.most).isGreaterThan(1); // it is asked amid iterations
      Path between = temp.resolve("between");
      try (StageRun<?> run = toy.run(stage).begin(between)) {
        StopAt first = new StopAt(2, 1);
        assertThat(run.run(first, first)).isEqualTo(Outcome.STOPPED);
      }
      Map<String, byte[]> afterTwo = bits(between);
      assertThat(afterTwo.get("optimizer.safetensors"))
          .isNotEqualTo(bits(whole).get("optimizer.safetensors"));
      for (int call :
          new TreeSet<>(
              List.of(2, never.most))) { // early in the iteration, and just before updates
        Path stopped = temp.resolve("stopped" + call);
        try (StageRun<?> run = toy.run(stage).begin(stopped)) {
          StopAt stop = new StopAt(2, call);
          assertThat(run.run(stop, stop)).isEqualTo(Outcome.STOPPED);
          assertThat(run.iteration()).isEqualTo(2);
        }
        requireSame(stopped, afterTwo);
        try (StageRun<?> run = toy.run(stage).resume(stopped)) {
          assertThat(run.iteration()).isEqualTo(2);
          assertThat(run.run(QUIET, NEVER)).isEqualTo(Outcome.FINISHED);
        }
        requireSame(stopped, bits(whole));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", Toy.PACKED, "dpo", "kto", "reward", "ppo", Toy.SHARED, "grpo"})
  void oneAndTwoThreadsGiveTheSameBits(String stage) throws Exception {
    List<Path> folders = new ArrayList<>();
    for (int threads : new int[] {1, 2}) {
      Path folder = temp.resolve("threads" + threads);
      folders.add(folder);
      try (Toy toy = new Toy(threads);
          StageRun<?> run = toy.run(stage).begin(folder)) {
        assertThat(run.run(QUIET, NEVER)).isEqualTo(Outcome.FINISHED);
      }
    }
    requireSame(folders.getLast(), bits(folders.getFirst()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ppo", "grpo"})
  void aStoppedRunGoesOnInTheSameProcessAsIfItHadNotBegunTheIteration(String stage)
      throws Exception {
    try (Toy toy = new Toy(2)) {
      Path whole = temp.resolve("whole");
      try (StageRun<?> run = toy.run(stage).begin(whole)) {
        run.run(QUIET, NEVER);
      }
      StopAt stop = new StopAt(2, 3); // after a step of the engine or two
      Path stopped = temp.resolve("stopped");
      try (StageRun<?> run = toy.run(stage).begin(stopped)) {
        assertThat(run.run(stop, stop)).isEqualTo(Outcome.STOPPED);
        assertThat(run.run(QUIET, NEVER)).isEqualTo(Outcome.FINISHED);
      }
      requireSame(stopped, bits(whole));
    }
  }

  @Test
  void aRunThatFailsIsResumedFromItsLastCheckpoint() throws Exception {
    try (Toy toy = new Toy(2)) {
      Path whole = temp.resolve("whole");
      try (StageRun<?> run = toy.run("ppo").begin(whole)) {
        run.run(QUIET, NEVER);
      }
      AtomicBoolean fails = new AtomicBoolean();
      Reward reward =
          answers -> {
            if (fails.get()) {
              throw new IllegalStateException("lost");
            }
            return Toy.MANY_B.scores(answers);
          };
      Path failed = temp.resolve("failed");
      try (StageRun<?> run = toy.ppo(Toy.PPO, reward).begin(failed)) {
        RunListener failing =
            new RunListener() {
              @Override
              public void onStep(Metrics.Step step) {
                fails.set(step.iter() == 4);
              }
            };
        assertThatThrownBy(() -> run.run(failing, NEVER)).hasMessage("lost");
      }
      try (StageRun<?> run = toy.run("ppo").resume(failed)) {
        assertThat(run.iteration()).isEqualTo(3);
        run.run(QUIET, NEVER);
      }
      requireSame(failed, bits(whole));
      assertThat(Files.readAllLines(failed.resolve("metrics.jsonl")))
          .hasSameSizeAs(Files.readAllLines(whole.resolve("metrics.jsonl")));
    }
  }

  @Test
  void aPolicyOfAdaptersIsResumedWithTheSameBits() throws Exception {
    PpoConfig config =
        FlatRecord.with(
            PpoConfig.class, Toy.PPO, Map.of("loraRank", 2, "loraTargets", "c_attn,c_proj"));
    try (Toy toy = new Toy(2)) {
      Toy.Run<GptConfig, Gpt> adapters =
          toy.run(
              config,
              policy -> toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B),
              () -> toy.adapted(temp, config));
      Path whole = temp.resolve("whole");
      try (StageRun<?> run = adapters.begin(whole)) {
        run.run(QUIET, NEVER);
      }
      Path stopped = temp.resolve("stopped");
      StopAt stop = new StopAt(2, 3);
      try (StageRun<?> run = adapters.begin(stopped)) {
        assertThat(run.run(stop, stop)).isEqualTo(Outcome.STOPPED);
      }
      try (StageRun<?> run = adapters.resume(stopped)) {
        run.run(QUIET, NEVER);
      }
      assertThat(bits(whole).get("adapter_model.safetensors")).isNotEmpty();
      requireSame(stopped, bits(whole));
    }
  }

  private Path stoppedAfterOne(Toy toy, String stage) {
    Path folder = temp.resolve(stage);
    StopAt stop = new StopAt(1, 1);
    try (StageRun<?> run = toy.run(stage).begin(folder)) {
      run.run(stop, stop);
    }
    return folder;
  }

  @Test
  void aRunOfOneStageIsNotResumedAsAnother() throws Exception {
    try (Toy toy = new Toy(1)) {
      Path dpo = stoppedAfterOne(toy, "dpo");
      assertThatThrownBy(() -> toy.run("sft").resume(dpo))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("is of a run of 'jambic dpo', not of 'jambic sft'");
      assertThatThrownBy(() -> StageRun.configOf(GrpoConfig.class, GrpoConfig.STAGE, dpo))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("is of a run of 'jambic dpo', not of 'jambic grpo'");
      assertThat(StageRun.configOf(DpoConfig.class, DpoConfig.STAGE, dpo)).isEqualTo(Toy.DPO);
    }
  }

  private StageRun<?> resumed(Toy toy, Path folder, Map<String, Object> changes) {
    PpoConfig config = FlatRecord.with(PpoConfig.class, Toy.PPO, changes);
    return toy.ppo(config, Toy.MANY_B).resume(folder);
  }

  @Test
  void whatSteersMayChangeAndWhatTheRunIsMadeOfMayNot() throws Exception {
    try (Toy toy = new Toy(1)) {
      Path ppo = stoppedAfterOne(toy, "ppo");
      for (Map<String, Object> change :
          List.<Map<String, Object>>of(
              Map.of("klCoef", 0.1), Map.of("batchSize", 4), Map.of("seed", 1))) {
        String name = change.keySet().iterator().next();
        assertThatThrownBy(() -> resumed(toy, ppo, change))
            .isInstanceOf(JambicException.class)
            .hasMessageContaining(name + " is ");
      }
      List<String> notices = new ArrayList<>();
      RunListener told =
          new RunListener() {
            @Override
            public void onNotice(String notice) {
              notices.add(notice);
            }
          };
      try (StageRun<?> run =
          resumed(
              toy, ppo, Map.of("maxIters", 2, "learningRate", 2e-2, "valueLearningRate", 3e-2))) {
        assertThat(run.run(told, NEVER)).isEqualTo(Outcome.FINISHED);
      }
      assertThat(notices.getFirst())
          .contains("learningRate 0.02 (was 0.01)", "valueLearningRate 0.03 (was 0.01)");
    }
  }

  @Test
  void aDamagedCheckpointLeavesTheRunFreeToBeResumedWhenItIsRestored() throws Exception {
    try (Toy toy = new Toy(1)) {
      Path ppo = stoppedAfterOne(toy, "ppo");
      Path state = ppo.resolve("last/ppo.json");
      String whole = Files.readString(state);
      Files.writeString(state, "{}");
      assertThatThrownBy(() -> toy.run("ppo").resume(ppo))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("it has no kl_coef");
      Files.writeString(state, whole);
      try (StageRun<?> run = toy.run("ppo").resume(ppo)) {
        assertThat(run.iteration()).isEqualTo(1);
      }
    }
  }

  @Test
  void otherDataIsRefused() throws Exception {
    try (Toy toy = new Toy(1)) {
      Path ppo = stoppedAfterOne(toy, "ppo");
      Toy.Run<GptConfig, Gpt> run = toy.ppo(Toy.PPO, Toy.MANY_B);
      StageRun.Plan<GptConfig, Gpt> other =
          new StageRun.Plan<>(
              Gpt.FORMAT, Toy.PPO, "other data", Optional.empty(), run.plan().work());
      assertThatThrownBy(() -> StageRun.resume(other, toy.backend, BaseModelResolver.NONE, ppo))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("was trained on other data");
    }
  }
}

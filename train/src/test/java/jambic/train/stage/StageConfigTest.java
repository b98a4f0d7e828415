package jambic.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.JambicException;
import jambic.train.classify.ClassifyConfig;
import jambic.train.config.FlatRecord;
import jambic.train.config.HyperparameterException;
import jambic.train.config.RunConfig;
import jambic.train.policy.GrpoConfig;
import jambic.train.policy.PpoConfig;
import jambic.train.preference.DpoConfig;
import jambic.train.preference.RewardConfig;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StageConfigTest {
  private static <C extends Record & StageConfig> void requireRoundTrip(Class<C> type, C config)
      throws IOException {
    String json = config.toJson();
    Map<String, Object> values = JSON.std.mapFrom(json);
    assertThat(values).containsEntry("stage", config.stage());
    assertThat(StageConfig.reader(type, config.stage()).read(values, json, "training.json"))
        .isEqualTo(config);
    assertThatThrownBy(() -> StageConfig.reader(type, "kto").read(values, json, "training.json"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(
            "is of a run of 'jambic " + config.stage() + "', not of 'jambic kto'");
    assertThatThrownBy(() -> RunConfig.of(values, json, "training.json"))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("is of a run of 'jambic " + config.stage() + "'");
  }

  @Test
  void everyStageReadsWhatItWroteAndNoOtherDoes() throws IOException {
    requireRoundTrip(SftConfig.class, Toy.SFT);
    requireRoundTrip(DpoConfig.class, Toy.DPO);
    requireRoundTrip(RewardConfig.class, Toy.REWARD);
    requireRoundTrip(PpoConfig.class, Toy.PPO);
    requireRoundTrip(GrpoConfig.class, Toy.GRPO);
    requireRoundTrip(ClassifyConfig.class, ClassifyConfig.DEFAULTS);
  }

  @Test
  void policiesAreSavedAtEveryEvaluationForTheyHaveNoLossToCompare() {
    Map<String, Object> seldom = Map.of("alwaysSaveCheckpoint", false);
    assertThatThrownBy(() -> FlatRecord.with(PpoConfig.class, Toy.PPO, seldom))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith("alwaysSaveCheckpoint must be true");
    assertThatThrownBy(() -> FlatRecord.with(GrpoConfig.class, Toy.GRPO, seldom))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith("alwaysSaveCheckpoint must be true");
  }

  @Test
  void smoothingOfOtherLossesAndBatchesThatDoNotDivideAreRefused() {
    assertThatThrownBy(
            () -> FlatRecord.with(DpoConfig.class, Toy.DPO, Map.of("labelSmoothing", 0.1)))
        .isInstanceOf(HyperparameterException.class)
        .hasMessageStartingWith("labelSmoothing (0.1) is for robust and conservative");
    assertThatThrownBy(() -> FlatRecord.with(PpoConfig.class, Toy.PPO, Map.of("numMiniBatches", 3)))
        .isInstanceOf(HyperparameterException.class)
        .hasMessage("batchSize (8) must be a multiple of numMiniBatches (3)");
  }
}

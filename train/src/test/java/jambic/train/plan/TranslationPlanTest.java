package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import jambic.model.ConfigException;
import jambic.model.translator.Translator;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.Training;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.objective.TargetPrediction;
import jambic.train.pairs.EncodedPairs;
import jambic.train.pairs.PairBatches;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TranslationPlanTest {
  private static final DeviceSpec H100 = DeviceSpec.named("h100").orElseThrow();

  @ParameterizedTest
  @CsvSource({"TRANSLATE_SMALL, false", "TRANSFORMER_BASE, false", "TRANSFORMER_BASE, true"})
  void partsAddUpToAllParameters(TranslationPreset preset, boolean preNorm) {
    TranslationConfig config = preset.config().withAll(Map.of("preNorm", preNorm));
    TranslationPlan plan = TranslationPlan.of(config, H100, 1, 0.4);
    assertThat(plan.parameters().values().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(plan.model().parameterCount());
  }

  @Test
  void stepsOfThePapersModelAreCountedProductByProduct() {
    TranslationPlan plan =
        TranslationPlan.of(TranslationPreset.TRANSFORMER_BASE.config(), H100, 5, 0.5);
    double projection = 2 * 512 * 512;
    double attention = 4 * projection + 2 * 2 * 512 * 256;
    double feedForward = 2 * 2 * 512 * 2048;
    double layers = 6 * (attention + feedForward) + 6 * (2 * attention + feedForward);
    double forward = layers + 2 * 512 * 37_000;
    assertThat(plan.flopsPerToken()).isEqualTo(3 * forward);
    assertThat(plan.flopsPerStep()).isEqualTo(3 * forward * 12 * 2048);
    // 12 micro batches on 5 devices take as long as 15
    assertThat(plan.secondsPerStep().orElseThrow())
        .isCloseTo(
            plan.flopsPerToken() * 15 * 2048 / (5 * 0.5 * H100.peak().orElseThrow()),
            withinPercentage(0.001));
  }

  @Test
  void aRunTakesTheMemoryThatWasEstimated() {
    TranslationConfig config =
        TranslationPreset.TRANSLATE_SMALL
            .config()
            .withAll(Map.of("width", 256, "inner", 1024, "encoderLayers", 3));
    int length = config.model().maxLength();
    EncodedPairs.Ids longest = new EncodedPairs.Ids(new int[length], new int[length]);
    EncodedPairs pairs = new EncodedPairs(Collections.nCopies(40, longest), length, 0);
    try (Backend backend = Backends.open("cpu", 1);
        Translator model =
            new Translator(backend, config.model().translator(2000), config.seed())) {
      PairBatches batches = new PairBatches(pairs, config.batch().batchTokens(), 1, 0, 1);
      TargetPrediction objective =
          new TargetPrediction(model, batches, List.of(), List.of(), 1, 0.1f);
      try (Training training = new Training(model, config, objective)) {
        training.step().run(0, 1e-3);
        MemoryEstimate estimate = MemoryEstimate.of(config, model.config(), Long.MAX_VALUE, false);
        List<Long> regions = estimate.regions();
        assertThat(training.bytes())
            .isCloseTo(
                regions.subList(1, regions.size()).stream().mapToLong(r -> r).sum(),
                withinPercentage(1));
      }
    }
  }

  @Test
  void aModelThatNoMachineHoldsIsRefusedByItsFlags() {
    TranslationConfig config =
        TranslationPreset.TRANSFORMER_BASE
            .config()
            .withAll(Map.of("width", 1 << 28, "encoderLayers", 1 << 20));
    assertThatThrownBy(() -> TranslationPlan.of(config, H100, 1, 0.4))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("width");
  }
}

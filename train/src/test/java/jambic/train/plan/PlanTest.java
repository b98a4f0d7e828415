package jambic.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import jambic.model.gpt.PublishedGpt;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.train.config.Preset;
import jambic.train.config.Pretraining;
import jambic.train.config.TrainConfig;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlanTest {
  private static final DeviceSpec A100 = DeviceSpec.named("a100").orElseThrow();

  /** The GPT-2 without biases that nanoGPT's transformer_sizing notebook goes through. */
  private static final TrainConfig NOTEBOOK =
      Pretraining.of(PublishedGpt.GPT2).withAll(Map.of("bias", false, "qkvBias", false));

  @Test
  void parametersAreThoseOfNanoGptsNotebook() {
    ParameterCount count = ParameterCount.of(NOTEBOOK.gpt(50_257));
    assertThat(count)
        .isEqualTo(
            new ParameterCount(
                786_432,
                38_597_376,
                12,
                2 * 768,
                1_769_472,
                589_824,
                2_359_296,
                2_359_296,
                768,
                0));
    assertThat(count.block()).isEqualTo(7_079_424);
    assertThat(count.total()).isEqualTo(124_337_664);
  }

  @Test
  void flopsAreThoseOfNanoGptsNotebook() {
    ForwardFlops flops = ForwardFlops.of(NOTEBOOK.gpt(50_257));
    assertThat(1024 * flops.qkv()).isEqualTo(3_623_878_656.0);
    assertThat(1024 * flops.scores()).isEqualTo(1_610_612_736.0);
    assertThat(1024 * flops.reduce()).isEqualTo(1_610_612_736.0);
    assertThat(1024 * flops.attentionProjection()).isEqualTo(1_207_959_552.0);
    assertThat(1024 * flops.fc()).isEqualTo(4_831_838_208.0);
    assertThat(1024 * flops.mlpProjection()).isEqualTo(4_831_838_208.0);
    assertThat(1024 * flops.block()).isEqualTo(17_716_740_096.0);
    assertThat(1024 * flops.head()).isEqualTo(79_047_426_048.0);
    assertThat(1024 * flops.total()).isEqualTo(291_648_307_200.0);
    assertThat(1024 * flops.training()).isEqualTo(874_944_921_600.0);
  }

  @Test
  void bothFormulasNearlyAgree() {
    for (PublishedGpt family : PublishedGpt.values()) {
      double exact = ForwardFlops.of(family.config()).training();
      assertThat(ModelFlops.perToken(family.config())).isCloseTo(exact, withinPercentage(0.1));
    }
  }

  @ParameterizedTest
  @EnumSource(PublishedGpt.class)
  void partsAddUpAndTheBatchIsThatOfTheTable(PublishedGpt family) {
    assertThat(ParameterCount.of(family.config()).total())
        .isEqualTo(family.config().parameterCount());
    TrainConfig config = Pretraining.of(family);
    assertThat(config.gpt(PublishedGpt.VOCAB_SIZE)).isEqualTo(family.config());
    assertThat(config.optimizer().learningRate()).isEqualTo(family.learningRate());
    assertThat((double) config.tokensPerIter())
        .isCloseTo(family.batchTokens(), withinPercentage(1));
    assertThat((double) config.tokensPerIter() * config.run().maxIters())
        .isCloseTo(PublishedGpt.TOKENS, withinPercentage(0.01));
  }

  @ParameterizedTest
  @EnumSource(Preset.class)
  void partsOfPresetsAddUpToo(Preset preset) {
    var model = preset.config().gpt(65);
    assertThat(ParameterCount.of(model).total()).isEqualTo(model.parameterCount());
  }

  /** The notebook: 300 billion tokens on 8 A100s at 30 % take 3.46 days by 6 N D, more with T. */
  @Test
  void timeIsFlopsOverWhatTheDevicesDo() {
    TrainConfig config = NOTEBOOK.with("gradientAccumulationSteps", 120);
    Plan plan = Plan.of(config, 50_257, A100, 8, 0.3, 300e9);
    double days = plan.seconds(300e9).getAsDouble() / 86_400;
    assertThat(days).isCloseTo(854_553_600.0 * 300e9 / (8 * 312e12 * 0.3) / 86_400, within(1e-9));
    assertThat(plan.tokensPerSecond().getAsDouble())
        .isCloseTo(300e9 / plan.seconds(300e9).getAsDouble(), within(1e-3));
    assertThat(plan.flopsPerStep()).isEqualTo(854_553_600.0 * 491_520);
    assertThat(plan.iterations()).isEqualTo(610_352);
  }

  @Test
  void aStepTakesAsLongAsItsBusiestDevice() {
    TrainConfig config = NOTEBOOK.with("gradientAccumulationSteps", 10);
    double one = seconds(config, 1);
    assertThat(seconds(config, 5)).isCloseTo(one / 5, withinPercentage(1e-9));
    assertThat(seconds(config, 4)).isCloseTo(one * 3 / 10, withinPercentage(1e-9));
    assertThat(seconds(config, 10)).isCloseTo(one / 10, withinPercentage(1e-9));
    assertThat(seconds(config, 1000)).isCloseTo(one / 10, withinPercentage(1e-9));
  }

  private static double seconds(TrainConfig config, int devices) {
    return Plan.of(config, 50_257, A100, devices, 0.3, 300e9).seconds(300e9).getAsDouble();
  }

  @Test
  void whatFitsNoDeviceSaysHowManyHoldItTogether() {
    Plan small = Plan.of(Pretraining.of(PublishedGpt.GPT2), 50_257, A100, 1, 0.4, 1e9);
    assertThat(small.fits()).isTrue();
    assertThat(small.leastDevices()).isEqualTo(1);
    TrainConfig gpt3 = Pretraining.of(PublishedGpt.GPT3_13B).with("batchSize", 1);
    Plan large = Plan.of(gpt3, 50_257, A100, 8, 0.4, 300e9);
    assertThat(large.fits()).isFalse();
    long fixed = 18 * PublishedGpt.GPT3_13B.config().parameterCount();
    long room = A100.memory() - large.memory().activations();
    assertThat(room).isPositive();
    assertThat(large.leastDevices()).isEqualTo(Math.ceilDiv(fixed, room));
    Plan crowded = Plan.of(gpt3.with("batchSize", 64), 50_257, A100, 8, 0.4, 300e9);
    assertThat(crowded.leastDevices()).isZero();
  }

  @Test
  void withoutAPeakThereIsNoTime() {
    DeviceSpec unknown = new DeviceSpec("cpu", "", OptionalDouble.empty(), Precision.FP32, 1 << 30);
    Plan plan = Plan.of(Preset.LECTURE_SMALL.config(), 65, unknown, 1, 0.4, 1e6);
    assertThat(plan.seconds(1e6)).isEmpty();
    assertThat(plan.memory().regions()).hasSize(4);
  }

  @Test
  void aModelThatNoMachineHoldsIsRefused() {
    TrainConfig config =
        Preset.LECTURE.config().withAll(Map.of("nLayer", 1_000_000_000, "nEmbd", 3840));
    assertThatThrownBy(() -> Plan.of(config, 65, A100, 1, 0.4, 1e9))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("no machine has that much");
  }

  /** Chinchilla itself has 70 billion parameters and saw 1.4 trillion tokens. */
  @Test
  void chinchillaIsItsOwnExample() {
    assertThat(Chinchilla.tokens(70_000_000_000L)).isEqualTo(1.4e12);
    assertThat(Chinchilla.fittedTokens(70_000_000_000L)).isCloseTo(1.29e12, withinPercentage(1));
  }

  /** At the fitted optimum no other division of the same compute has a lower loss. */
  @Test
  void theFitIsAMinimum() {
    double n = 1e9;
    double d = Chinchilla.fittedTokens((long) n);
    for (double factor : new double[] {0.8, 0.95, 1.05, 1.25}) {
      assertThat(loss(n, d)).isLessThan(loss(n * factor, d / factor));
    }
  }

  private static double loss(double n, double d) {
    return 1.8172 + 482.01 / Math.pow(n, 0.3478) + 2085.43 / Math.pow(d, 0.3658);
  }
}

package jambic.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.train.optim.LearningRateSchedule;
import jambic.train.optim.WeightDecayMode;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TrainConfigTest {
  private final TrainConfig config = Preset.SHAKESPEARE_CHAR_CPU.config();

  @ParameterizedTest
  @EnumSource
  void everyPresetSurvivesJson(Preset preset) {
    TrainConfig read = TrainConfig.fromJson(preset.config().toJson(), "config.json");
    assertThat(read).isEqualTo(preset.config());
    assertThat(Preset.named(preset.presetName())).isEqualTo(preset);
  }

  @Test
  void jsonKeepsEveryBit() {
    TrainConfig odd =
        config.withAll(Map.of("learningRate", Math.nextUp(1e-3), "seed", Long.MIN_VALUE));
    assertThat(TrainConfig.fromJson(odd.toJson(), "config.json")).isEqualTo(odd);
  }

  @Test
  void theCpuVariantDiffersFromShakespeareCharAsTheReadmeSays() {
    TrainConfig expected =
        Preset.SHAKESPEARE_CHAR
            .config()
            .withAll(
                Map.of(
                    "evalIters",
                    20,
                    "blockSize",
                    64,
                    "batchSize",
                    12,
                    "nLayer",
                    4,
                    "nHead",
                    4,
                    "nEmbd",
                    128,
                    "maxIters",
                    2000,
                    "lrDecayIters",
                    2000,
                    "dropout",
                    0));
    assertThat(config).isEqualTo(expected);
    assertThat(config.tokensPerIter()).isEqualTo(768);
    assertThat(config.optimizer().rates())
        .isEqualTo(new LearningRateSchedule.WarmupCosine(1e-3, 1e-4, 100, 2000));
  }

  @Test
  void theLectureTrainsAtAConstantRateAndDecaysEverything() {
    TrainConfig lecture = Preset.LECTURE.config();
    assertThat(lecture.optimizer().rates()).isEqualTo(new LearningRateSchedule.Constant(3e-4));
    assertThat(lecture.optimizer().decayOn()).isEqualTo(WeightDecayMode.ALL);
    assertThat(lecture.model().activation()).isEqualTo(Activation.RELU);
    TrainConfig small = Preset.LECTURE_SMALL.config();
    assertThat(small.optimizer().rates()).isEqualTo(new LearningRateSchedule.Constant(1e-3));
    assertThat(small.tokensPerIter()).isEqualTo(256);
    assertThat(small.run().maxIters()).isEqualTo(5000);
  }

  @Test
  void theModelsAreTheOriginalsToTheLastParameter() {
    assertThat(Preset.LECTURE.config().gpt(65).parameterCount()).isEqualTo(10_788_929);
    assertThat(Preset.SHAKESPEARE_CHAR.config().gpt(65).parameterCount()).isEqualTo(10_745_088);
    assertThat(Preset.SHAKESPEARE_CHAR.config().gpt(65).embeddingDropout()).isEqualTo(0.2f);
    assertThat(Preset.LECTURE.config().gpt(65).embeddingDropout()).isZero();
    assertThat(config.init()).isEqualTo(new Initializer(0.02f, true, 1337));
  }

  @Test
  void textIsReadByType() {
    TrainConfig changed =
        config.withAll(
            Map.of(
                "maxIters",
                "7",
                "learningRate",
                "6e-4",
                "bias",
                "true",
                "seed",
                "-5",
                "activation",
                "gelu-tanh",
                "decayOn",
                "ALL"));
    assertThat(changed.run().maxIters()).isEqualTo(7);
    assertThat(changed.optimizer().learningRate()).isEqualTo(6e-4);
    assertThat(changed.model().bias()).isTrue();
    assertThat(changed.seed()).isEqualTo(-5);
    assertThat(changed.model().activation()).isEqualTo(Activation.GELU_TANH);
    assertThat(changed.optimizer().decayOn()).isEqualTo(WeightDecayMode.ALL);
    assertThat(config.with("activation", Activation.RELU).model().activation())
        .isEqualTo(Activation.RELU);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "dropout | 0.99999999 | dropout must be at most 0.99999994, not 0.99999999",
        "nEmbd | 536870912 | nEmbd must be below 2^29, not 536870912",
        "maxIters | 1e3 | maxIters must be a whole number of 32 bits, not \"1e3\"",
        "maxIters | 3000000000 | maxIters must be a whole number of 32 bits, not \"3000000000\"",
        "seed | x | seed must be a whole number of 64 bits, not \"x\"",
        "dropout | no | dropout must be a number, not \"no\"",
        "bias | yes | bias must be one of [true, false], not \"yes\"",
        "decayOn | none | decayOn must be one of [matrices, all], not \"none\"",
        "activation | swish"
            + " | activation must be one of [relu, gelu-erf, gelu-tanh, silu], not \"swish\"",
        "nEmbd | 30"
            + " | nEmbd (30) must be divisible by nHead (4), so that every head is equally wide",
        "nLayer | 0 | nLayer must be at least 1, not 0",
        "batchSize | -1 | batchSize must be at least 1, not -1",
        "batchSize | 2000000000"
            + " | batchSize (2000000000) times blockSize (64) must stay below 2^31 tokens",
        "dropout | 1 | dropout must be at least 0 and below 1, not 1.0",
        "dropout | NaN | dropout must be at least 0 and below 1, not NaN",
        "learningRate | 0 | learningRate must be above 0, not 0.0",
        "learningRate | Infinity"
            + " | learningRate must be finite, at most 3.4028235E38, not Infinity",
        "learningRate | 1e999"
            + " | learningRate must be a number of 64 bits, which 1e999 is too large for",
        "gradClip | -1e999"
            + " | gradClip must be a number of 64 bits, which -1e999 is too large for",
        "initStd | 1e300 | initStd must be finite, at most 3.4028235E38, not 1.0E300",
        "initStd | NaN | initStd must be above 0, not NaN",
        "eps | 1e-60 | eps must be at least 1.4E-45, not 1.0E-60",
        "learningRate | 1e-5 | minLr (1.0E-4) must not exceed learningRate (1.0E-5)",
        "lrDecayIters | 50 | lrDecayIters (50) must be at least warmupIters (100)",
        "gradClip | -1 | gradClip must be at least 0, not -1.0",
        "optimizer | sgd | optimizer must be one of [adamw, muon], not \"sgd\"",
        "muonLearningRate | 0 | muonLearningRate must be above 0, not 0.0",
        "muonLearningRate | 0.05"
            + " | muonLearningRate (0.05) needs optimizer muon; adamw does not read it",
        "muonMomentum | 1 | muonMomentum must be at least 0 and below 1, not 1.0",
        "muonMomentum | 0.9" + " | muonMomentum (0.9) needs optimizer muon; adamw does not read it",
      })
  void whatIsWrongIsSaidInOneSentence(String name, String value, String message) {
    assertThatThrownBy(() -> config.with(name, value))
        .isInstanceOf(JambicException.class)
        .hasMessage(message);
  }

  @Test
  void aValueThatIsNoneIsOneSentence() {
    assertThatThrownBy(() -> config.with("seed", null))
        .isInstanceOf(HyperparameterException.class)
        .hasMessage("seed has no value; give it one");
  }

  @Test
  void aNumberOfAFileThatIsTooLargeIsNotCalledInfinite() {
    String json = config.toJson().replaceFirst("\"eps\" : [^,]+", "\"eps\" : 1e999");
    assertThatThrownBy(() -> TrainConfig.fromJson(json, "train.json"))
        .hasMessage("train.json: eps is a number too large for 64 bits");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "maxIter | there is no hyperparameter maxIter; did you mean maxIters? There are nLayer,",
        "learning_rate | there is no hyperparameter learning_rate; did you mean learningRate? There",
        "momentum | there is no hyperparameter momentum; there are nLayer, nHead,",
      })
  void anUnknownNameIsSaidWithTheNearestOneIfThatIsNear(String name, String beginning) {
    assertThatThrownBy(() -> config.with(name, 5))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(beginning);
  }

  @Test
  void aFileThatIsNoConfigurationIsNamed() {
    assertThatThrownBy(() -> TrainConfig.fromJson("{\"nLayer\": ", "train.json"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("train.json is not JSON: ");
    assertThatThrownBy(() -> TrainConfig.fromJson("{\"nLayer\": 3}", "train.json"))
        .hasMessage("train.json: nHead has no value");
    assertThatThrownBy(() -> Preset.named("lectur"))
        .hasMessage(
            "there is no preset lectur; did you mean lecture?"
                + " There are lecture-small, lecture, shakespeare-char, shakespeare-char-cpu,"
                + " finetune-shakespeare");
  }
}

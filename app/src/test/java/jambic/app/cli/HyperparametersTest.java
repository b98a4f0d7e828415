package jambic.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.CommandLineCall;
import jambic.model.ConfigMessage;
import jambic.model.ConfigMessage.Name;
import jambic.train.config.TrainConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HyperparametersTest {

  @Test
  void everyHyperparameterHasAFlagWithHelp() {
    assertThat(Hyperparameters.documented())
        .containsExactlyInAnyOrderElementsOf(TrainConfig.names());
    String help = CommandLineCall.of("train", "--help").out();
    for (String name : TrainConfig.names()) {
      assertThat(help).containsPattern("(?m)^ +" + Hyperparameters.flag(name) + "[=\\[]");
    }
  }

  @Test
  void helpShowsThePresetsValues() {
    assertThat(CommandLineCall.of("train", "--help").out())
        .containsPattern(
            "--n-layer=N +Transformer blocks\\R +Default: 4 \\(lecture-small 3, lecture 6,")
        .containsPattern(
            "--init-std=N +standard deviation of the initial weights\\R +Default: 0.02\\.");
  }

  @Test
  void aFlagIsTheNameInKebabCase() {
    assertThat(Hyperparameters.flag("gradientAccumulationSteps"))
        .isEqualTo("--gradient-accumulation-steps");
    assertThat(Hyperparameters.flag("beta1")).isEqualTo("--beta1");
  }

  @Test
  void whatTheUserTypedStaysAsItWas() {
    ConfigMessage message =
        new ConfigMessage("%s must be a whole number, not \"%s\"", new Name("seed"), "seed");
    assertThat(Hyperparameters.sentence(message))
        .isEqualTo("--seed must be a whole number, not \"seed\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--n-layers=3     | there is no option --n-layers; did you mean --n-layer?",
        "--lr=3           | there is no option --lr; jambic train --help has them all",
        "--learning=3     | there is no option --learning; did you mean --learning-rate?",
        "--n-layer=three  | --n-layer must be a whole number of 32 bits, not \"three\"",
        "--n-layer=       | --n-layer must be a whole number of 32 bits, not \"\"",
        "--n-embd=130     | --n-embd (130) must be divisible by --n-head (4)",
        "--n-embd=-4      | --n-embd must be at least 1, not -4",
        "--dropout=1      | --dropout must be at least 0 and below 1, not 1.0",
        "--bias=maybe     | --bias must be one of [true, false], not \"maybe\"",
        "--activation=gel | --activation must be one of",
        "--learning-rate=NaN | --learning-rate must be above 0, not NaN",
        "--preset=lecture-smal | there is no preset lecture-smal; did you mean lecture-small?",
        "--resume         | --resume needs the run's folder; name it with --out",
        "input.txt        | the argument input.txt is one too many",
        "@no-flags.txt    | there is no file no-flags.txt to read flags from",
        "--beta2=0.999999999999 | --beta2 must be at most 0.99999994, not 0.999999999999",
        "--dropout=0.99999999 | --dropout must be at most 0.99999994, not 0.99999999",
        "--n-embd=2000000000 | --n-embd must be below 2^29, not 2000000000",
      })
  void aWrongFlagIsOneSentence(String flag, String sentence) {
    CommandLineCall call = CommandLineCall.of("train", flag);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.out()).isEmpty();
    assertThat(call.err())
        .startsWith("jambic: " + sentence)
        .endsWith("Try 'jambic train --help'." + System.lineSeparator());
    assertThat(call.err().lines()).hasSize(2);
  }
}

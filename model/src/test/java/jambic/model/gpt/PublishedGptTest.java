package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PublishedGptTest {
  @ParameterizedTest
  @CsvSource({
    "gpt2, 124439808",
    "gpt2-medium, 354823168",
    "gpt2-large, 774030080",
    "gpt2-xl, 1557611200"
  })
  void gpt2HasTheParametersOfItsReleasedWeights(String name, long parameters) {
    assertThat(PublishedGpt.named(name).orElseThrow().config().parameterCount())
        .isEqualTo(parameters);
  }

  /** Table 2.1 rounds: its 350 million are 356, its 13.0 billion 12.85, its 175.0 billion 174.6. */
  @ParameterizedTest
  @CsvSource({
    "gpt3-small, 125e6, 64",
    "gpt3-medium, 350e6, 64",
    "gpt3-large, 760e6, 96",
    "gpt3-xl, 1.3e9, 128",
    "gpt3-2.7b, 2.7e9, 80",
    "gpt3-6.7b, 6.7e9, 128",
    "gpt3-13b, 13.0e9, 128",
    "gpt3-175b, 175.0e9, 128"
  })
  void gpt3HasTheParametersAndTheHeadsOfItsTable(String name, double parameters, int headSize) {
    GptConfig config = PublishedGpt.named(name).orElseThrow().config();
    assertThat((double) config.parameterCount()).isCloseTo(parameters, withinPercentage(2));
    assertThat(config.headSize()).isEqualTo(headSize);
    assertThat(config.blockSize()).isEqualTo(2048);
  }

  @Test
  void allSpeakTheSameTokens() {
    assertThat(PublishedGpt.values())
        .allSatisfy(
            model -> assertThat(model.config().vocabSize()).isEqualTo(PublishedGpt.VOCAB_SIZE));
  }

  @Test
  void namesAreFoundInAnyCase() {
    assertThat(PublishedGpt.named("GPT2-XL")).contains(PublishedGpt.GPT2_XL);
    assertThat(PublishedGpt.named("gpt4")).isEmpty();
    assertThat(PublishedGpt.names()).hasSize(12).contains("gpt2", "gpt3-2.7b", "gpt3-175b");
  }
}

package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.Activation;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import org.junit.jupiter.api.Test;

public class GptConfigTest {
  private static final GptConfig LECTURE =
      new GptConfig(65, 256, 6, 6, 384, .2f, 0, Activation.RELU, true, false, false, true, 1e-5f);
  private static final GptConfig NANO =
      new GptConfig(
          65, 256, 6, 6, 384, .2f, .2f, Activation.GELU_ERF, false, false, true, false, 1e-5f);
  private static final GptConfig GPT2 =
      new GptConfig(
          50257, 1024, 12, 12, 768, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  @Test
  void countsTheParametersOfTheOriginals() {
    assertThat(LECTURE.parameterCount()).isEqualTo(10_788_929);
    assertThat(NANO.parameterCount()).isEqualTo(10_745_088);
    assertThat(GPT2.parameterCount()).isEqualTo(124_439_808);
  }

  @Test
  void countsWhatTheModelHas() {
    for (int flags = 0; flags < 16; flags++) {
      GptConfig config = small(flags);
      assertThat(config.parameterCount())
          .as("%s", config)
          .isEqualTo(Gpt2Weights.shapes(config).values().stream().mapToLong(Shape::size).sum());
    }
  }

  @Test
  void refusesImpossibleModels() {
    refused(() -> NANO.withVocabSize(0), "vocabSize must be at least 1, got 0");
    refused(() -> NANO.withBlockSize(-3), "blockSize must be at least 1, got -3");
    refused(() -> NANO.withDropout(1, 0), "dropout must be 0 or more and below 1, got 1.0");
    refused(() -> NANO.withDropout(0, Float.NaN), "embeddingDropout must be");
    refused(() -> sized(1, 6, 100), "nEmbd 100 cannot be split over 6 heads; use a multiple");
    refused(() -> sized(1, 1, Integer.MAX_VALUE), "nEmbd must be below 2^29");
    refused(() -> sized(Integer.MAX_VALUE, 1, 1 << 28), "make more than 2^63 parameters");
  }

  @Test
  void splitsTheWidthOverHeads() {
    assertThat(GPT2.headSize()).isEqualTo(64);
  }

  /** One of 16 models that differ in their switches. */
  public static GptConfig small(int flags) {
    return new GptConfig(
        11,
        5,
        2,
        3,
        12,
        0,
        0,
        Activation.values()[flags % 4],
        (flags & 1) != 0,
        (flags & 2) != 0,
        (flags & 4) != 0,
        (flags & 8) != 0,
        1e-5f);
  }

  private static GptConfig sized(int nLayer, int nHead, int nEmbd) {
    return new GptConfig(
        65, 8, nLayer, nHead, nEmbd, 0, 0, Activation.RELU, true, true, true, false, 1e-5f);
  }

  private static void refused(Runnable making, String message) {
    assertThatThrownBy(making::run)
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(message);
  }
}

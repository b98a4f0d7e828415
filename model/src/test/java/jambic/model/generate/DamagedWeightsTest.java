package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One weight that is NaN, wherever it is, is noticed and not sampled with. */
class DamagedWeightsTest {
  private static final int VOCAB = 11;

  @ParameterizedTest
  @CsvSource({
    "cpu, GELU_TANH, false",
    "cpu, GELU_ERF, false",
    "cpu, RELU, false",
    "cpu, GELU_TANH, true",
    "reference, GELU_TANH, false",
    "reference, GELU_TANH, true"
  })
  void anyWeightThatIsReadIsNoticed(String name, Activation activation, boolean int8) {
    GptConfig config =
        new GptConfig(VOCAB, 16, 1, 2, 16, 0, 0, activation, true, true, false, true, 1e-5f);
    try (Backend backend = Backends.open(name, 2);
        Gpt gpt = new Gpt(backend, config, new Initializer(0.5f, true, 3))) {
      gpt.parameters()
          .byName()
          .forEach((weight, tensor) -> {
            float[] whole = tensor.toFloats();
            for (int at : List.of(0, tensor.dim(-1) - 1)) { // of token or position 0
              float[] damaged = whole.clone();
              damaged[at] = Float.NaN;
              tensor.set(damaged);
              requireRefused(gpt, int8, weight + " at " + at);
            }
            tensor.set(whole);
          });
    }
  }

  private static void requireRefused(Gpt gpt, boolean int8, String what) {
    if (int8) {
      try (Gpt quantized = gpt.quantized()) {
        requireRefused(quantized, false, what);
      }
      return;
    }
    for (int length : List.of(1, 12)) { // of the prompt: read as a token and as a matrix
      GenerationRequest request = GenerationRequest.of(new int[length], 2);
      try (InferenceEngine engine = new InferenceEngine(gpt, Optional.empty(), 1, 16)) {
        assertThatThrownBy(() -> engine.complete(request, token -> true))
            .as("%s, prompt of %d", what, length)
            .isInstanceOf(JambicException.class)
            .hasMessageStartingWith("the scores of the next token are not finite");
      }
    }
  }
}

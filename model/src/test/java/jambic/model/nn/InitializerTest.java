package jambic.model.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InitializerTest {
  private static final GptConfig CONFIG =
      new GptConfig(301, 64, 8, 4, 128, 0, 0, Activation.GELU_ERF, true, true, true, false, 1e-5f);

  @Test
  void refusesADeviationThatIsNoNumber() {
    for (float std : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1}) {
      assertThatThrownBy(() -> new Initializer(std, true, 1))
          .isInstanceOf(JambicException.class)
          .hasMessage("initStd must be 0 or more and finite, got " + std);
    }
  }

  @Test
  void drawsEveryWeightWithItsDeviation() {
    try (Backend backend = Backends.open("reference", 1);
        Gpt model = new Gpt(backend, CONFIG, new Initializer(0.02f, true, 5))) {
      Map<String, Tensor> weights = model.parameters().byName();
      assertNormal(weights.get("wte.weight"), 0.02);
      assertNormal(weights.get("h.3.attn.c_attn.weight"), 0.02);
      assertNormal(weights.get("h.3.attn.c_proj.weight"), 0.02 / 4);
      assertNormal(weights.get("h.7.mlp.c_proj.weight"), 0.02 / 4);
      assertThat(weights.get("ln_f.weight").toFloats()).containsOnly(1);
      assertThat(weights.get("h.0.mlp.c_fc.bias").toFloats()).containsOnly(0);
    }
  }

  @Test
  void dependsOnTheSeedAndOnNothingElse() {
    float[][] draws = new float[3][];
    long[] seeds = {5, 5, 6};
    for (int i = 0; i < 3; i++) {
      try (Backend backend = Backends.open("reference", 1);
          Gpt model = new Gpt(backend, CONFIG, new Initializer(0.02f, true, seeds[i]))) {
        draws[i] = model.parameters().get("wte.weight").toFloats();
      }
    }
    assertThat(draws[1]).isEqualTo(draws[0]);
    assertThat(draws[2]).isNotEqualTo(draws[0]);
  }

  /** Mean, variance and the shares within one and two deviations. */
  private static void assertNormal(Tensor tensor, double std) {
    float[] values = tensor.toFloats();
    double sum = 0;
    double squares = 0;
    int one = 0;
    int two = 0;
    for (float value : values) {
      double z = value / std;
      sum += z;
      squares += z * z;
      one += Math.abs(z) < 1 ? 1 : 0;
      two += Math.abs(z) < 2 ? 1 : 0;
    }
    double n = values.length;
    double error = 5 / Math.sqrt(n);
    assertThat(sum / n).isCloseTo(0, within(error));
    assertThat(squares / n).isCloseTo(1, within(2 * error));
    assertThat(one / n).isCloseTo(0.6827, within(error));
    assertThat(two / n).isCloseTo(0.9545, within(error));
  }
}

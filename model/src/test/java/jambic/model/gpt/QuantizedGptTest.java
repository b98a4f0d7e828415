package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QuantizedGptTest {
  private static final int[] IDS = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7};

  private Backend backend;
  private Gpt whole;
  private Gpt quantized;

  @BeforeAll
  void quantize() {
    backend = Backends.open("cpu", 2);
    GptConfig config =
        new GptConfig(31, 16, 2, 4, 64, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);
    whole = new Gpt(backend, config, new Initializer(0.02f, true, 7));
    quantized = whole.quantized();
  }

  @AfterAll
  void close() {
    quantized.close();
    whole.close();
    backend.close();
  }

  @Test
  void scoresNearlyAsTheModelItWasMadeFrom() {
    float[] expected = logits(whole, 1, IDS.length);
    float[] got = logits(quantized, 1, IDS.length);
    double error = 0;
    double size = 0;
    for (int i = 0; i < got.length; i++) {
      error += Math.pow(got[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(error / size)).isBetween(1e-5, 0.02); // of rounding to 8 bits, not equal
  }

  @Test
  void fewRowsAndManyAgree() {
    float[] many = logits(quantized, 1, IDS.length); // widened
    float[] few = logits(quantized, 1, 4); // read as they are
    for (int i = 0; i < few.length; i++) {
      assertThat(few[i]).isCloseTo(many[i], within(1e-5f));
    }
  }

  @Test
  void generatesWithACache() {
    try (Generator generator = new Generator(quantized, 1)) {
      int[] prompt = {1, 2, 3};
      int[] first = generator.generate(prompt, 20, SamplingParams.GREEDY, (row, token) -> true);
      assertThat(first).hasSize(20);
      assertThat(generator.generate(prompt, 20, SamplingParams.GREEDY, (row, token) -> true))
          .isEqualTo(first);
    }
  }

  @Test
  void takesAQuarterOfTheMemory() {
    Tensor weight = quantized.parameters().get("h.0.mlp.c_fc.weight");
    assertThat(weight.dtype()).isEqualTo(DType.I8);
    assertThat(weight.scales().size()).isEqualTo(weight.dim(0));
    assertThat(quantized.parameters().get("ln_f.weight").dtype()).isEqualTo(DType.F32);
    assertThat(quantized.parameters().count()).isEqualTo(whole.parameters().count());
  }

  @Test
  void isNotTrained() {
    try (Region region = backend.region()) {
      assertThatThrownBy(() -> quantized.parameters().train(region))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("int8 weights cannot be trained");
      Tensor ids = region.allocate(DType.I32, Shape.of(1, 2));
      ids.set(1, 2);
      assertThatThrownBy(() -> quantized.logits(new Tape(backend, region, 1), ids))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("int8 weights cannot be trained");
    }
  }

  @Test
  void isNotSaved(@TempDir Path folder) {
    assertThatThrownBy(
            () -> Checkpoint.save(Gpt.FORMAT, folder.resolve("q"), quantized, Optional.empty()))
        .isInstanceOf(JambicException.class)
        .hasMessage("a model with int8 weights is not saved; save the one that it was made from");
    assertThat(folder).isEmptyDirectory();
  }

  private float[] logits(Gpt model, int batch, int length) {
    try (Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(batch, length));
      int[] values = new int[length];
      System.arraycopy(IDS, 0, values, 0, length);
      ids.set(values);
      return model.logits(new InferenceOps(backend, region), ids).toFloats();
    }
  }
}

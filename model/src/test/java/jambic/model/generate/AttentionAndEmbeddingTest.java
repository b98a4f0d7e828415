package jambic.model.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.model.nn.AttentionWeights;
import jambic.model.nn.Initializer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention weights and embeddings of texts, against transformers and among themselves. */
class AttentionAndEmbeddingTest {
  private static final Path EXPECTED =
      SafetensorsTest.resource("hidden/hf_gpt2_tiny.safetensors").getParent();

  private static float[] floats(Safetensors.Entry entry) {
    float[] values = new float[Math.toIntExact(entry.size())];
    entry.readFloats(values, 0);
    return values;
  }

  private static int[] ids(Safetensors expected) {
    return expected.entry("ids").data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  private static void requireClose(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).as("number " + i).isCloseTo(expected[i], within(1e-5f));
    }
  }

  /** The second divides the scores by the number of the layer, and not by the size of a head. */
  @ParameterizedTest
  @CsvSource({
    "cpu, hf_gpt2_tiny", "cpu, hf_gpt2_scaled_attention",
    "reference, hf_gpt2_tiny", "reference, hf_gpt2_scaled_attention"
  })
  void attentionAndEmbeddingAreThoseOfTransformers(String name, String folder) {
    Path stored = SafetensorsTest.resource(folder + "/config.json").getParent();
    try (Backend backend = Backends.open(name, 2);
        Gpt model = Gpt.load(stored, backend);
        Safetensors expected = Safetensors.open(EXPECTED.resolve(folder + ".safetensors"))) {
      int[] ids = ids(expected);
      for (int layer = 0; layer < model.config().nLayer(); layer++) {
        AttentionWeights weights = model.attentionWeights(ids, layer);
        assertThat(weights.heads()).isEqualTo(model.config().nHead());
        assertThat(weights.targets()).isEqualTo(ids.length);
        requireClose(weights.values(), floats(expected.entry("attention." + layer)));
        assertThat(weights.get(1, 2, 0)).isEqualTo(weights.values()[(ids.length + 2) * ids.length]);
      }
      requireClose(
          new TextEmbedding(model).embed(List.of(ids)).getFirst(), floats(expected.entry("mean")));
    }
  }

  @Test
  void attentionToWhatIsNotThereIsRefused() {
    Path stored = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
    try (Backend backend = Backends.open("cpu", 2);
        Gpt model = Gpt.load(stored, backend)) {
      for (int layer : new int[] {-1, 3}) {
        assertThatThrownBy(() -> model.attentionWeights(new int[] {1}, layer))
            .isInstanceOf(JambicException.class)
            .hasMessage("the model has the layers 0 to 2, and layer " + layer + " was asked for");
      }
      assertThatThrownBy(() -> model.attentionWeights(new int[0], 0))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("empty");
      assertThatThrownBy(() -> model.attentionWeights(new int[49], 0))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("48");
      assertThatThrownBy(() -> model.attentionWeights(new int[] {503}, 0))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("503");
      assertThat(model.attentionWeights(new int[] {7}, 2).values()).containsOnly(1);
    }
    assertThatThrownBy(() -> AttentionWeights.causal(new float[0], 1 << 10, 1 << 12, 1))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("more than an array holds");
  }

  @Test
  void aTextHasTheSameEmbeddingWhateverOthersAreBesideIt() {
    GptConfig config =
        new GptConfig(
            37, 300, 2, 2, 48, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);
    try (Backend backend = Backends.open("cpu", 2);
        Gpt model = new Gpt(backend, config, new Initializer(0.5f, true, 3))) {
      TextEmbedding embedding = new TextEmbedding(model);
      Random random = new Random(1);
      List<int[]> texts =
          IntStream.of(1, 300, 3, 9, 1, 64, 70, 2, 8, 200, 10, 65, 299)
              .mapToObj(length -> random.ints(length, 0, 37).toArray())
              .toList();
      List<float[]> together = embedding.embed(texts);
      assertThat(together).hasSize(texts.size());
      for (int i = 0; i < texts.size(); i++) {
        assertThat(together.get(i))
            .as(texts.get(i).length + " tokens")
            .isEqualTo(embedding.embed(List.of(texts.get(i))).getFirst());
      }
      assertThat(embedding.embed(List.of())).isEmpty();
    }
  }

  @Test
  void aTextThatCannotBeReadIsRefused() {
    Path stored = SafetensorsTest.resource("hf_gpt2_tiny/config.json").getParent();
    try (Backend backend = Backends.open("cpu", 2);
        Gpt model = Gpt.load(stored, backend)) {
      TextEmbedding embedding = new TextEmbedding(model);
      int[] good = {1, 2};
      assertThatThrownBy(() -> embedding.embed(List.of(good, new int[0])))
          .isInstanceOf(JambicException.class)
          .hasMessage("a text to embed needs at least one token, got an empty one");
      assertThatThrownBy(() -> embedding.embed(List.of(good, new int[49])))
          .isInstanceOf(JambicException.class)
          .hasMessage("the text has 49 tokens and the model's context 48; shorten it");
      int[] unknown = {503};
      assertThatThrownBy(() -> embedding.embed(List.of(good, unknown)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("503");
    }
  }
}

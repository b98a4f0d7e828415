package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model with rows for new tokens says of the known ones what it said. */
class WidenedVocabularyTest {
  private static final Tokenizer BEFORE = CharTokenizer.of("abcdefgh");
  private static final Tokenizer AFTER =
      BEFORE.withSpecialTokens(List.of("<|endoftext|>", "<|pad|>"));
  private static final int WIDTH = 8;

  private final Backend backend = Backends.open("reference", 1);

  @TempDir Path folder;

  @AfterEach
  void close() {
    backend.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void newRowsAreTheMeanAndKnownLogitsStay(boolean tied) {
    try (Gpt gpt = model(8, tied);
        Gpt wider = WidenedVocabulary.of(gpt, BEFORE, AFTER)) {
      assertThat(wider.config()).isEqualTo(gpt.config().withVocabSize(10));
      requireMeans(gpt, wider, "wte.weight", WIDTH);
      float[] logits = logits(gpt);
      float[] more = logits(wider);
      for (int t = 0; t < 3; t++) {
        assertThat(Arrays.copyOfRange(more, t * 10, t * 10 + 8))
            .containsExactly(Arrays.copyOfRange(logits, t * 8, t * 8 + 8), within(1e-6f));
      }
      assertThat(wider.parameters().byName().containsKey("lm_head.weight")).isNotEqualTo(tied);
      if (!tied) {
        requireMeans(gpt, wider, "lm_head.weight", WIDTH);
        requireMeans(gpt, wider, "lm_head.bias", 1);
      }
    }
  }

  @Test
  void rowsThatNoTokenHadAreTakenFirst() {
    try (Gpt gpt = model(12, true);
        Gpt same = WidenedVocabulary.of(gpt, BEFORE, AFTER)) {
      assertThat(same.config()).isEqualTo(gpt.config());
      requireMeans(gpt, same, "wte.weight", WIDTH);
      int untouched = 10 * WIDTH;
      assertThat(Arrays.copyOfRange(same.parameters().get("wte.weight").toFloats(), untouched, 96))
          .isEqualTo(
              Arrays.copyOfRange(gpt.parameters().get("wte.weight").toFloats(), untouched, 96));
    }
  }

  @Test
  void aSavedOneIsReadAgain() {
    try (Gpt gpt = model(8, true);
        Gpt wider = WidenedVocabulary.of(gpt, BEFORE, AFTER)) {
      Checkpoint.save(Gpt.FORMAT, folder, wider, Optional.of(AFTER));
      try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
          Gpt again = checkpoint.model(backend)) {
        assertThat(checkpoint.tokenizer()).contains(AFTER);
        assertThat(again.config()).isEqualTo(wider.config());
        assertThat(again.endTokens()).containsExactly(8); // <|endoftext|>
        assertThat(logits(again)).isEqualTo(logits(wider));
      }
    }
  }

  private static void requireMeans(Gpt gpt, Gpt wider, String name, int width) {
    float[] before = gpt.parameters().get(name).toFloats();
    float[] after = wider.parameters().get(name).toFloats();
    assertThat(Arrays.copyOf(after, 8 * width)).isEqualTo(Arrays.copyOf(before, 8 * width));
    for (int column = 0; column < width; column++) {
      double sum = 0;
      for (int row = 0; row < 8; row++) {
        sum += before[row * width + column];
      }
      for (int row = 8; row < 10; row++) {
        assertThat((double) after[row * width + column]).isCloseTo(sum / 8, within(1e-6));
      }
    }
  }

  private Gpt model(int vocabSize, boolean tied) {
    GptConfig config =
        new GptConfig(
            vocabSize, 4, 1, 2, WIDTH, 0, 0, Activation.RELU, true, true, tied, !tied, 1e-5f);
    Gpt gpt = new Gpt(backend, config, new Initializer(0.3f, false, 5));
    if (!tied) {
      float[] bias = new float[vocabSize];
      for (int i = 0; i < bias.length; i++) {
        bias[i] = 0.1f * i;
      }
      gpt.parameters().get("lm_head.bias").set(bias);
    }
    return gpt;
  }

  private float[] logits(Gpt gpt) {
    try (Region region = backend.region()) {
      Tensor ids = region.allocate(DType.I32, Shape.of(1, 3));
      ids.set(BEFORE.encode("bad"));
      return gpt.logits(new InferenceOps(backend, region), ids).toFloats();
    }
  }
}

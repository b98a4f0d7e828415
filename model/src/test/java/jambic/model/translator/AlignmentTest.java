package jambic.model.translator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.SafetensorsTest;
import jambic.tensor.Backends;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AlignmentTest {
  private static final Path DATES =
      SafetensorsTest.resource("marian_dates/config.json").getParent();
  private static final Path OPUS = SafetensorsTest.resource("opus_tiny/config.json").getParent();

  private static WordPieces pieces(String... tokens) {
    return WordPieces.of(
        Stream.of(tokens).map(token -> token.getBytes(StandardCharsets.UTF_8)).toList());
  }

  @Test
  void tokensAreJoinedToWordsAtBlanks() {
    WordPieces joined = pieces("", "la", " mai", "son", " ", "bl", "eue .", "");
    assertThat(joined.words()).containsExactly("la", "maison", "bleue", ".");
    assertThat(joined.wordOf()).containsExactly(-1, 0, 1, 1, -1, 2, 2, -1);
  }

  @Test
  void aCharacterInTwoTokensStaysWhole() {
    byte[] bytes = " été".getBytes(StandardCharsets.UTF_8);
    WordPieces joined =
        WordPieces.of(List.of(Arrays.copyOf(bytes, 2), Arrays.copyOfRange(bytes, 2, bytes.length)));
    assertThat(joined.words()).containsExactly("été");
    assertThat(joined.wordOf()).containsExactly(0, 0);
  }

  @Test
  void sourceTokensAddUpTargetTokensAreAveragedAndTheEndIsLeftOut() {
    // Two heads; the source has a word of two tokens, one of one, and the end.
    float[] head1 = {0.2f, 0.2f, 0.2f, 0.4f, 0, 0, 0.5f, 0.5f, 0, 0, 0, 1};
    float[] head2 = {0.4f, 0, 0.2f, 0.4f, 0.1f, 0.1f, 0.3f, 0.5f, 0, 0, 0, 1};
    float[] both = new float[24];
    System.arraycopy(head1, 0, both, 0, 12);
    System.arraycopy(head2, 0, both, 12, 12);
    Alignment alignment =
        Alignment.of(
            pieces("mai", "son", " bleue", ""),
            pieces("blue", " house", ""),
            new CrossAttentionWeights(2, 3, 4, both));
    assertThat(alignment.sources()).containsExactly("maison", "bleue");
    assertThat(alignment.targets()).containsExactly("blue", "house");
    assertThat(alignment.weights().get(0))
        .containsExactly(new double[] {2 / 3.0, 1 / 3.0}, within(1e-6));
    assertThat(alignment.weights().get(1)).containsExactly(new double[] {0.2, 0.8}, within(1e-6));
    assertThat(alignment.best(0)).isZero();
    assertThat(alignment.best(1)).isEqualTo(1);
  }

  @Test
  void theLayerIsTheLastButOneOfThreeOrMore() {
    assertThat(IntStream.rangeClosed(1, 6).map(Alignment::layer)).containsExactly(0, 1, 1, 2, 3, 4);
  }

  @Test
  void theWordsOfADateAreAligned() {
    try (Backend backend = Backends.open("cpu", 2);
        TranslationPipeline pipeline = TranslationPipeline.load(DATES, backend)) {
      Alignment alignment = pipeline.align("26 mai 1991");
      assertThat(alignment.sources()).containsExactly("26", "mai", "1991");
      assertThat(alignment.targets()).containsExactly("May", "26,", "1991");
      assertThat(IntStream.range(0, 3).map(alignment::best)).containsExactly(1, 0, 2);
      for (double[] row : alignment.weights()) {
        assertThat(Arrays.stream(row).sum()).isCloseTo(1, within(1e-9));
      }
    }
  }

  @Test
  void anOpusModelHasWordsToo() {
    try (Backend backend = Backends.open("cpu", 2);
        TranslationPipeline loaded = TranslationPipeline.load(OPUS, backend)) {
      TranslationPipeline pipeline = loaded.with(loaded.settings().withMaxTokens(16));
      Alignment alignment = pipeline.align("Le chat rouge mange.");
      assertThat(alignment.sources()).containsExactly("Le", "chat", "rouge", "mange.");
      assertThat(String.join(" ", alignment.targets()))
          .isEqualTo(pipeline.translate("Le chat rouge mange."));
    }
  }

  @Test
  void whatCannotBeAlignedIsRefused() {
    try (Backend backend = Backends.open("cpu", 2);
        TranslationPipeline pipeline = TranslationPipeline.load(DATES, backend)) {
      assertThatThrownBy(() -> pipeline.align(" "))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("the sentence is blank");
      assertThatThrownBy(() -> pipeline.align("1 ".repeat(200)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("the model reads at most 64 tokens");
    }
  }

  @Test
  void parametersAreCounted() {
    for (Path folder : List.of(DATES, OPUS, DATES.resolveSibling("pegasus_tiny"))) {
      try (Backend backend = Backends.open("cpu", 2);
          Translator model = Translator.load(folder, backend)) {
        long trained =
            model.parameters().byName().entrySet().stream()
                .filter(entry -> !entry.getKey().equals("final_logits.bias"))
                .mapToLong(entry -> entry.getValue().size())
                .sum();
        assertThat(model.config().parameterCount()).isEqualTo(trained);
      }
    }
  }
}

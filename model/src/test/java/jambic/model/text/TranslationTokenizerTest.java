package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vocabularies with a translator's special tokens in front. */
class TranslationTokenizerTest {
  private static final String TEXT = "le chat noir, the black cat. ".repeat(9);
  @TempDir private Path folder;

  private static Path stored(String name) throws URISyntaxException {
    return Path.of(
        TranslationTokenizerTest.class.getResource("/jambic/model/marian_dates/" + name).toURI());
  }

  private static BpeTokenizer trained(int vocabSize) {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(TEXT);
    return trainer.trainForTranslation(vocabSize, count -> {});
  }

  /** The ids are transformers'; 66 texts, among them an empty one and other scripts. */
  @Test
  void givesSourcesTheIdsOfTransformersAlsoWhenSavedAgain() throws Exception {
    Tokenizer read = Tokenizer.load(stored("tokenizer.json").getParent());
    read.save(folder);
    Map<String, Object> expected;
    try (InputStream in = Files.newInputStream(stored("expected.json"))) {
      expected = JSON.std.mapFrom(in);
    }
    List<?> translations = (List<?>) expected.get("translations");
    assertThat(translations).hasSize(66);
    for (Tokenizer tokenizer : List.of(read, Tokenizer.load(folder))) {
      for (Object translation : translations) {
        Map<?, ?> fields = (Map<?, ?>) translation;
        assertThat(tokenizer.encodePrompt((String) fields.get("source"), false))
            .isEqualTo(
                ((List<?>) fields.get("source_ids"))
                    .stream().mapToInt(Integer.class::cast).toArray());
      }
    }
  }

  @Test
  void putsTheSpecialTokensBeforeTheBytes() {
    BpeTokenizer tokenizer = trained(270);
    assertThat(tokenizer.vocabSize()).isEqualTo(270);
    assertThat(tokenizer.specialTokens())
        .containsExactlyInAnyOrderEntriesOf(Map.of("<pad>", 0, "<s>", 1, "</s>", 2));
    assertThat(tokenizer.decode(3)).isEqualTo("!"); // GPT-2's first byte
    assertThat(tokenizer.promptBegin()).isEmpty();
    assertThat(tokenizer.promptEnd()).containsExactly(2);
    assertThat(tokenizer.encode("</s>")).doesNotContain(2);
    assertThat(tokenizer.endOfText()).isEmpty();
  }

  /** Written by tokenizers 0.23.2; special tokens in front do not change what is merged. */
  @Test
  void learnsTheMergesOfTokenizers() throws Exception {
    Map<String, Object> fixture;
    try (InputStream in = getClass().getResourceAsStream("/jambic/model/bpe_training.json")) {
      fixture = JSON.std.mapFrom(in);
    }
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(fixture.get("text").toString());
    List<Integer> progress = new ArrayList<>();
    BpeTokenizer tokenizer = trainer.trainForTranslation(1000, progress::add);
    tokenizer.save(folder);
    List<?> merges = (List<?>) fixture.get("merges");
    assertThat(progress).hasSize(merges.size()).startsWith(260).endsWith(259 + merges.size());
    assertThat(tokenizer.vocabSize()).isEqualTo(259 + merges.size());
    assertThat(
            JsonObject.read(folder.resolve("tokenizer.json"))
                .object("model")
                .optionalList("merges")
                .orElseThrow())
        .map(merge -> merge instanceof List<?> pair ? pair.get(0) + " " + pair.get(1) : merge)
        .isEqualTo(merges);
  }

  @Test
  void learnsFromBothLanguagesButNoTokenAcrossSentences() {
    BpeTrainer trainer = new BpeTrainer();
    for (int i = 0; i < 5; i++) {
      trainer.add("chat");
      trainer.endText();
      trainer.add("dog");
      trainer.endText();
    }
    BpeTokenizer tokenizer = trainer.trainForTranslation(1000, count -> {});
    assertThat(tokenizer.encode("chat")).hasSize(1);
    assertThat(tokenizer.encode("dog")).hasSize(1);
    assertThat(tokenizer.encode("chatdog").length).isGreaterThan(1);
  }

  @Test
  void isTheSameWhenReadAgain() {
    BpeTokenizer tokenizer = trained(280);
    tokenizer.save(folder);
    assertThat(Tokenizer.load(folder)).isEqualTo(tokenizer);
  }

  @Test
  void writesTheTemplateAndTheNamesThatTransformersReads() throws IOException {
    trained(270).save(folder);
    assertThat(JsonObject.read(folder.resolve("tokenizer_config.json")).values())
        .containsEntry("bos_token", "<s>")
        .containsEntry("eos_token", "</s>")
        .containsEntry("pad_token", "<pad>")
        .containsEntry("tokenizer_class", "PreTrainedTokenizerFast");
    JsonObject template =
        JsonObject.read(folder.resolve("tokenizer.json")).object("post_processor");
    assertThat(template.text("type")).isEqualTo("TemplateProcessing");
    assertThat(template.objects("single").get(1).object("SpecialToken").text("id"))
        .isEqualTo("</s>");
    assertThat(template.object("special_tokens").object("</s>").optionalList("ids").orElseThrow())
        .isEqualTo(List.of(2));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 258})
  void refusesAVocabularyWithoutRoomForTheBytes(int vocabSize) {
    assertThatThrownBy(() -> trained(vocabSize))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a byte-pair vocabulary has at least 259 tokens (the bytes and <pad>, <s>, </s>), not "
                + vocabSize);
  }
}

package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.JsonObject;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ids and texts of transformers 5.18, of a folder as OPUS-MT's. */
class MarianTokenizerTest {
  private static final String CONFIG = "tokenizer_config.json";

  @TempDir Path folder;

  @BeforeEach
  void copy() throws IOException {
    for (String file : List.of("source.spm", "target.spm", "vocab.json", CONFIG)) {
      Files.copy(SafetensorsTest.resource("opus_tiny/" + file), folder.resolve(file));
    }
  }

  @SuppressWarnings("unchecked") // the file is ours
  private static Map<String, Object> object(Object value) {
    return (Map<String, Object>) value;
  }

  private static Map<String, Object> expected() throws IOException {
    return JSON.std.mapFrom(Files.readString(SafetensorsTest.resource("opus_tiny/expected.json")));
  }

  private static int[] ids(Object list) {
    return ((List<?>) list).stream().mapToInt(id -> (Integer) id).toArray();
  }

  /** Changes a JSON file of the folder. */
  private void change(String name, String key, Object value) {
    Path file = folder.resolve(name);
    Map<String, Object> values =
        Files.exists(file) ? JsonObject.read(file).values() : new LinkedHashMap<>();
    if (value == null) {
      values.remove(key);
    } else {
      values.put(key, value);
    }
    JsonObject.write(file, values);
  }

  private void assertRefused(String sentence) {
    assertThatThrownBy(() -> MarianTokenizer.read(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining(sentence);
  }

  @Test
  void sourcesHaveTheIdsOfTransformers() throws IOException {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    List<?> all = (List<?>) object(expected().get("tokenizer")).get("source");
    assertThat(all).hasSize(13);
    for (Object one : all) {
      Map<String, Object> source = object(one);
      String text = (String) source.get("text");
      int[] ids = ids(source.get("marian_ids"));
      assertThat(tokenizer.encodeSource(text, true)).as(text).containsExactly(ids);
      if (!text.contains("</s>")) {
        assertThat(tokenizer.encodeSource(text)).as(text).containsExactly(ids);
      }
    }
  }

  /** What transformers gives for {@code tokenizer(text_target=...)}. */
  @Test
  void targetsAreCutByTheOtherModel() {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    String text = "the cat <unk> ☃";
    assertThat(tokenizer.encodeTarget(text, true)).containsExactly(108, 98, 1, 47, 1, 0);
    assertThat(tokenizer.encodeTarget("the cat")).containsExactly(108, 98, 0);
    assertThat(tokenizer.encodeSource("the cat")).isNotEqualTo(tokenizer.encodeTarget("the cat"));
  }

  @Test
  void textsOfSpecialTokensAreTextUnlessAskedFor() {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    assertThat(tokenizer.encodeSource("Le chat<pad>rouge", true))
        .containsExactly(36, 17, 134, 20, 0);
    assertThat(tokenizer.encodeSource("Le chat<pad>rouge")).doesNotContain(134).startsWith(36, 17);
    assertThat(tokenizer.encodeSource("</s>")).hasSizeGreaterThan(2).endsWith(0);
  }

  @Test
  void translationsAreDecodedAsTransformersDoes() throws IOException {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    List<?> all = (List<?>) expected().get("translate");
    assertThat(all).hasSize(6);
    for (Object one : all) {
      assertThat(tokenizer.decode(ids(object(one).get("ids"))))
          .isEqualTo(object(one).get("translation"));
    }
    assertThat(tokenizer.decode()).isEmpty();
    assertThat(tokenizer.decode(134, 36, 1, 17, 0, 134)).isEqualTo("Le chat");
  }

  @Test
  void idsOutsideTheVocabularyAreOneSentence() {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    for (int id : new int[] {-1, 135}) {
      assertThatThrownBy(() -> tokenizer.decode(36, id))
          .isInstanceOf(JambicException.class)
          .hasMessage("token id " + id + " is outside the vocabulary, which ends at 134");
    }
  }

  @Test
  void theTokensWithAPartToPlayAreKnown() {
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    assertThat(tokenizer.vocabSize()).isEqualTo(135);
    assertThat(tokenizer.endId()).isZero();
    assertThat(tokenizer.unknownId()).isEqualTo(1);
    assertThat(tokenizer.paddingId()).isEqualTo(134);
    assertThat(tokenizer.languageCodes()).isEmpty();
  }

  /** The ids of transformers; it takes a code for a token wherever a text begins with one. */
  @Test
  void aLanguageCodeIsATokenWhereATextBegins() {
    assertThat(MarianTokenizer.read(folder).encodeSource(">>fra<< Le chat"))
        .containsExactly(1, 36, 17, 0);
    assertThat(MarianTokenizer.read(folder).encodeSource(" >>fra<< Le chat"))
        .containsExactly(47, 1, 68, 84, 49, 1, 36, 17, 0);
    change("vocab.json", ">>fra<<", 135);
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    assertThat(tokenizer.languageCodes()).containsExactly(">>fra<<");
    assertThat(tokenizer.encodeSource(">>fra<< Le chat")).containsExactly(135, 36, 17, 0);
    assertThat(tokenizer.encodeSource("Le chat")).containsExactly(36, 17, 0);
    assertThatThrownBy(() -> tokenizer.encodeSource(">>deu<< Le chat"))
        .isInstanceOf(JambicException.class)
        .hasMessage("the model has no language '>>deu<<'; it has >>fra<<");
  }

  @Test
  void afolderWithoutAConfigurationHasTheUsualTokens() throws IOException {
    Files.delete(folder.resolve(CONFIG));
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    assertThat(tokenizer.encodeSource("Le chat")).containsExactly(36, 17, 0);
    assertThat(tokenizer.paddingId()).isEqualTo(134);
  }

  @Test
  void theOlderFileNamesTokensToo() {
    change(CONFIG, "eos_token", null);
    change("special_tokens_map.json", "eos_token", Map.of("content", "!"));
    MarianTokenizer tokenizer = MarianTokenizer.read(folder);
    assertThat(tokenizer.endId()).isEqualTo(4);
    assertThat(tokenizer.encodeSource("Le chat")).containsExactly(36, 17, 4);
  }

  @Test
  void spacesBeforePunctuationGoWhereTheFolderAsksForThat() {
    int[] ids = MarianTokenizer.read(folder).encodeSource("la maison ?");
    assertThat(MarianTokenizer.read(folder).decode(ids)).isEqualTo("la maison ?");
    change(CONFIG, "clean_up_tokenization_spaces", true);
    assertThat(MarianTokenizer.read(folder).decode(ids)).isEqualTo("la maison?");
  }

  @ParameterizedTest
  @CsvSource({"source.spm", "target.spm", "vocab.json"})
  void aMissingFileIsOneSentence(String name) throws IOException {
    Files.delete(folder.resolve(name));
    assertRefused(name + ": there is no such file or folder");
  }

  @Test
  void whatTheFolderAsksForIsObeyedOrRefused() {
    change(CONFIG, "separate_vocabs", true);
    assertRefused("'separate_vocabs' is 'true', which is not supported; false is");
    change(CONFIG, "separate_vocabs", false);
    change(CONFIG, "sp_model_kwargs", Map.of("enable_sampling", true));
    assertRefused("'sp_model_kwargs' is");
    change(CONFIG, "sp_model_kwargs", null);
    change(CONFIG, "tokenizer_class", "T5Tokenizer");
    assertRefused("'tokenizer_class' is 'T5Tokenizer'");
    change(CONFIG, "tokenizer_class", null);
    change(CONFIG, "upside_down", true);
    assertRefused("the key 'upside_down' is not known");
    change(CONFIG, "upside_down", null);
    change(CONFIG, "pad_token", "<none>");
    assertRefused("vocab.json lacks the token '<none>', which is the pad_token");
    change(CONFIG, "pad_token", null);
    change(CONFIG, "added_tokens_decoder", Map.of("7", Map.of("content", "</s>", "special", true)));
    assertRefused("the token '</s>' has the id '7', but in vocab.json it has 0");
  }

  @Test
  void idsOfTheVocabularyAreEachThereOnce() {
    change("vocab.json", "new", 136);
    assertRefused("the token 'new' has id 136, but the 136 ids must be 0 to 135, each once");
    change("vocab.json", "new", 3);
    assertRefused("has id 3, but the 136 ids must be 0 to 135, each once");
    change("vocab.json", "new", "3");
    assertRefused("'new' must be an integer of 32 bits, got '3'");
  }
}

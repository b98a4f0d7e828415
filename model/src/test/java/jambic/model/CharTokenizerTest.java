package jambic.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CharTokenizerTest {
  private static final String TEXT = "To be,\n\tor \"nöt\"\\ to be: 𝔖😀\u2028\u0301.";

  @TempDir Path folder;

  @Test
  void numbersCodePointsInTheirOrder() {
    CharTokenizer tokenizer = CharTokenizer.of("hello 😀");
    assertThat(tokenizer.vocabSize()).isEqualTo(6);
    assertThat(tokenizer.encode(" ehlo😀l")).containsExactly(0, 1, 2, 3, 4, 5, 3);
    assertThat(tokenizer.encode("")).isEmpty();
    assertThat(tokenizer.decode(5, 0, 4)).isEqualTo("😀 o");
    assertThat(tokenizer.decode()).isEmpty();
  }

  @Test
  void decodesAStream() {
    CharTokenizer tokenizer = CharTokenizer.of(TEXT);
    TokenDecoder decoder = tokenizer.decoder();
    StringBuilder text = new StringBuilder();
    for (int id : tokenizer.encode(TEXT)) {
      text.append(decoder.next(id));
    }
    assertThat(text.append(decoder.end()).toString()).isEqualTo(TEXT);
  }

  @Test
  void namesAnUnknownCharacterAndItsPlace() {
    CharTokenizer tokenizer = CharTokenizer.of("abc 😀\n");
    unknown(
        tokenizer,
        "ab\n😀 é",
        "the character 'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE) at index 5 (line 2, column 3)"
            + " is not among the 6 characters of the vocabulary");
    unknown(
        tokenizer, "😁", "'😁' (U+1F601 GRINNING FACE WITH SMILING EYES) at index 0 (line 1, col");
    unknown(tokenizer, "a\tb", "the character (U+0009 CHARACTER TABULATION) at index 1 (line 1, c");
    unknown(
        tokenizer, "\n\n\ud83d", "the character (U+D83D HIGH SURROGATES D83D) at index 2 (line 3");
  }

  @Test
  void refusesAnUnknownId() {
    CharTokenizer tokenizer = CharTokenizer.of("abc");
    for (int id : new int[] {-1, 3, Integer.MAX_VALUE}) {
      assertThatThrownBy(() -> tokenizer.decode(0, id))
          .isInstanceOf(JambicException.class)
          .hasMessage("token id " + id + " is outside the vocabulary, which ends at 2");
      assertThatThrownBy(() -> tokenizer.decoder().next(id)).isInstanceOf(JambicException.class);
    }
  }

  @Test
  void refusesATextWithoutCharacters() {
    assertThatThrownBy(() -> CharTokenizer.of("")).isInstanceOf(JambicException.class);
    assertThatThrownBy(() -> CharTokenizer.of("a\ude00b"))
        .hasMessageContaining("at index 1 (line 1, column 2) is half of a surrogate pair");
  }

  @Test
  void survivesAFile() {
    CharTokenizer tokenizer = CharTokenizer.of(TEXT);
    tokenizer.save(folder);
    Tokenizer loaded = Tokenizer.load(folder);
    assertThat(loaded.vocabSize()).isEqualTo(tokenizer.vocabSize());
    assertThat(loaded.encode(TEXT)).isEqualTo(tokenizer.encode(TEXT));
    assertThat(loaded.decode(loaded.encode(TEXT))).isEqualTo(TEXT);
  }

  @Test
  void aFolderMayHaveNone() {
    assertThat(Tokenizer.find(folder)).isEmpty();
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .hasMessage(
            folder
                + " has no tokenizer: there is neither a tokenizer.json nor a vocab.json with its"
                + " merges.txt");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                                                     | ` is not a valid JSON object`
          {"model":{"type":"Unigram"}}                           | ` holds a tokenizer of the kind 'Unigram', which is not supported`
          {"model":{}}                                           | `: model lacks the key 'type'`
          {"model":1}                                            | `: 'model' must be an object, got '1'`
          {"model":{"type":"WordLevel","vocab":{}}}              | `: the vocabulary is empty`
          {"model":{"type":"WordLevel","vocab":{"ab":0}}}        | `: the token 'ab' is not a single character`
          {"model":{"type":"WordLevel","vocab":{"a":1}}}         | `: the token 'a' has id 1, but the 1 ids must be 0 to 0, each once`
          {"model":{"type":"WordLevel","vocab":{"a":0,"b":0}}}   | `: the token 'b' has id 0, but the 2 ids must be 0 to 1, each once`
          {"model":{"type":"WordLevel","vocab":{"a":0,"a":1}}}   | ` is not a valid JSON object`
          {"model":{"type":"WordLevel","vocab":{"a":"0"}}}       | `: model: vocab: 'a' must be an integer of 32 bits, got '0'`
          """)
  void refusesABrokenFile(String json, String message) throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json);
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + message);
  }

  private static void unknown(CharTokenizer tokenizer, String text, String message) {
    assertThatThrownBy(() -> tokenizer.encode(text))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(message);
  }
}

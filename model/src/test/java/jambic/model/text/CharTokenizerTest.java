package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.JsonObject;
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

  @ParameterizedTest
  @CsvSource({"'to be\n$%', '$'", "'to be\n', '\n'", "abc, a", "'`\n', '`'"})
  void namesACharacterThatTransformersMayPadWith(String text, String pad) {
    CharTokenizer tokenizer = CharTokenizer.of(text);
    tokenizer.save(folder);
    assertThat(JsonObject.read(folder.resolve("tokenizer_config.json")).values())
        .containsEntry("pad_token", pad)
        .containsEntry("eos_token", pad);
    assertThat(Tokenizer.load(folder)).isEqualTo(tokenizer);
    assertThat(tokenizer.specialTokens()).isEmpty();
  }

  @Test
  void keepsSettingsThatTransformersWrites() throws IOException {
    CharTokenizer.of("ab$").save(folder);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"backend":"tokenizers","clean_up_tokenization_spaces":false,"eos_token":"b","is_local":true,
         "local_files_only":true,"model_max_length":77,"pad_token":"a",
         "tokenizer_class":"TokenizersBackend"}
        """);
    Files.writeString(
        folder.resolve("tokenizer.json"),
        Files.readString(folder.resolve("tokenizer.json"))
            .replaceFirst(
                "\"added_tokens\" : \\[",
                "\"added_tokens\" : [{\"id\":1,\"content\":\"a\",\"special\":true}")
            .replace(
                "\"post_processor\" : null",
                """
                "post_processor":{"type":"TemplateProcessing","special_tokens":{},
                 "single":[{"Sequence":{"id":"A","type_id":0}}]}\
                """));
    Tokenizer read = Tokenizer.load(folder);
    assertThat(read).isEqualTo(CharTokenizer.of("ab$"));
    assertThat(read.encodePrompt("ab", true)).containsExactly(1, 2);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    read.save(saved);
    assertThat(JsonObject.read(saved.resolve("tokenizer_config.json")).values())
        .containsEntry("pad_token", "a")
        .containsEntry("eos_token", "b")
        .containsEntry("model_max_length", 77);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "normalizer" : null | "normalizer":{"type":"Lowercase"}    | the normalizer 'Lowercase' is not supported
          [\\\\s\\\\S]          | \\\\w                                  | a word-level tokenizer is supported where its 'pre_tokenizer' is a Split by the Regex [\\s\\S]
          "Isolated"          | "Removed"                            | a word-level tokenizer is supported where
          "Split"             | "Whitespace"                         | a word-level tokenizer is supported where
          "post_processor" : null | "post_processor":{"type":"BertProcessing","sep":["a",0],"cls":["b",1]} | the 'post_processor' adds tokens to a text
          "Fuse"              | "WordPiece"                          | the decoder 'WordPiece' is not supported here; Fuse is
          "added_tokens" : [ ] | "added_tokens":[{"id":2,"content":"<pad>","special":false}] | the added token '<pad>' is no character of the vocabulary
          "added_tokens" : [ ] | "added_tokens":[{"id":1,"content":"a"}] | the added token 'a' has the id 1, but with this vocabulary it gets 0
          "added_tokens" : [ ] | "added_tokens":[{"id":0,"content":"a","lstrip":true}] | takes the white space beside it ('lstrip')
          "unk_token"         | "max_words"                          | the key 'max_words' is not known
          """)
  void refusesWhatCharactersCannotObey(String what, String instead, String sentence)
      throws IOException {
    CharTokenizer.of("ab").save(folder);
    Path file = folder.resolve("tokenizer.json");
    String json = Files.readString(file);
    assertThat(json).contains(what);
    Files.writeString(file, json.replace(what, instead));
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(sentence);
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

package jambic.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Vocabularies as other programs write them. */
class BpeFilesTest {
  @TempDir private Path folder;
  private Map<String, Object> vocab;

  /** The bytes of "hello", two merges and an end. */
  @BeforeEach
  void makeVocabulary() {
    vocab = new LinkedHashMap<>();
    for (String token : List.of("h", "e", "l", "o", "Ġ", "ll", "Ġh", "<|endoftext|>")) {
      vocab.put(token, vocab.size());
    }
  }

  private Path write(String file, String text) throws IOException {
    return Files.writeString(folder.resolve(file), text);
  }

  private void writeVocabulary() {
    JsonObject.write(folder.resolve("vocab.json"), vocab);
  }

  @Test
  void readsVocabularyAndMerges() throws IOException {
    writeVocabulary();
    write("merges.txt", "#version: 0.2\nl l\nĠ h\n");
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.encode("hello hello")).containsExactly(0, 1, 5, 3, 6, 1, 5, 3);
    assertThat(tokenizer.specialTokens()).containsExactly(Map.entry("<|endoftext|>", 7));
    assertThat(tokenizer.encodeWithSpecialTokens("<|endoftext|>h")).containsExactly(7, 0);
  }

  @Test
  void readsTokensAddedLater() throws IOException {
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    write("added_tokens.json", "{\"[PAD]\": 8}");
    assertThat(Tokenizer.load(folder).specialTokens()).containsEntry("[PAD]", 8).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "type":"BPE",                | "l l","Ġ h"          | true
                                       | "l l","Ġ h"          | true
          "type":"BPE","unk_token":null, | ["l","l"],["Ġ","h"] | false
          """)
  void readsTheFormsOfTokenizerJson(String type, String merges, boolean regex) throws IOException {
    write(
        "tokenizer.json",
        json(type == null ? "" : type, merges, regex ? "" : ",\"use_regex\":true"));
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.encode("hello hello")).containsExactly(0, 1, 5, 3, 6, 1, 5, 3);
    assertThat(tokenizer.decode(7)).isEqualTo("<|endoftext|>");
  }

  @Test
  void anAddedTokenStaysSpecialOrPlain() throws IOException {
    write(
        "tokenizer.json",
        json("", "\"l l\"", "")
            .replace("\"Ġh\":6,", "\"<call>\":6,")
            .replace(
                "\"added_tokens\":[",
                "\"added_tokens\":[{\"id\":6,\"content\":\"<call>\",\"special\":false},"));
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.encodeWithSpecialTokens("<call>h")).containsExactly(6, 0);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    tokenizer.save(saved);
    List<?> added =
        JsonObject.read(saved.resolve("tokenizer.json")).optionalList("added_tokens").orElseThrow();
    assertThat(added.stream().map(token -> ((Map<?, ?>) token).get("special")).toList())
        .isEqualTo(List.of(false, true));
    assertThat(Tokenizer.load(saved)).isEqualTo(tokenizer);
  }

  private static String json(String type, String merges, String pieces) {
    return """
    {"added_tokens":[{"id":7,"content":"<|endoftext|>","special":true}],"normalizer":null,
     "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false%s},
     "model":{%s"vocab":{"h":0,"e":1,"l":2,"o":3,"Ġ":4,"ll":5,"Ġh":6,"<|endoftext|>":7},
     "merges":[%s]}}\
    """
        .formatted(pieces, type, merges);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "add_prefix_space":false | "add_prefix_space":true | 'add_prefix_space' is true
          "ByteLevel" | "Metaspace" | its pre_tokenizer is 'Metaspace'
          "normalizer":null | "normalizer":{"type":"NFC"} | it has a normalizer
          "vocab" | "ignore_merges":true,"vocab" | 'ignore_merges' is true
          "vocab" | "dropout":0.1,"vocab" | it drops merges at random
          "vocab" | "end_of_word_suffix":"</w>","vocab" | it has a 'end_of_word_suffix'
          "content" | "text" | an entry of 'added_tokens' lacks its content or its id
          "l l" | "l x" | merge 1, 'l x', needs tokens that the vocabulary lacks
          "l l" | "l l l" | merge 1, 'l l l', is not two tokens
          "ll":5 | "ll":4 | has id 4, but the 8 ids must be 0 to 7, each once
          "ll":5 | "ll":2000000000 | has id 2000000000, but the 8 ids
          "ll":5 | "語":5 | is not made of the characters that stand for bytes
          """)
  void refusesOtherTokenizers(String what, String instead, String sentence) throws IOException {
    Path file = write("tokenizer.json", json("", "\"l l\"", "").replace(what, instead));
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(sentence);
  }

  @Test
  void refusesHalfOfAVocabulary() throws IOException {
    writeVocabulary();
    refused(folder + " has a vocab.json but no merges.txt, and a tokenizer needs both");
    Path merges = write("merges.txt", "l l\nlx\n");
    refused(folder + ": merge 2, 'lx', is not two tokens with a space between them");
    Files.write(merges, new byte[] {(byte) 0xff});
    refused("cannot read " + merges + ": it is not valid UTF-8");
    Path broken = write("vocab.json", "{\"a\":0,");
    Files.writeString(merges, "");
    refused(broken + " is not a valid JSON object");
    Files.delete(broken);
    refused(folder + " has a merges.txt but no vocab.json");
  }

  @Test
  void refusesMergesThatAreCutAtALinesEnd() throws IOException {
    writeVocabulary();
    write("merges.txt", "#version: 0.2\nl l\n");
    refused(folder + ": no merge makes the token 'Ġh', so the merges are cut short");
    write("merges.txt", "");
    refused(folder + ": no merge makes the token 'll' and 1 other, so the merges are cut short");
    Path file = write("tokenizer.json", json("", "\"l l\"", ""));
    refused(file + ": no merge makes the token 'Ġh'");
  }

  @Test
  void takesTokensThatNoMergeMakesWhereTheyAreNoneOfTwo() throws IOException {
    vocab.put("[PAD]", 8);
    vocab.put("madeupword0000", 9); // as OPT's vocabulary is filled up
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    assertThat(Tokenizer.load(folder).vocabSize()).isEqualTo(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"add_prefix_space", "add_bos_token"})
  void refusesSettingsThatChangeTheIds(String key) throws IOException {
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    Path settings = write("tokenizer_config.json", "{\"%s\": true}".formatted(key));
    refused(
        settings
            + " holds a BPE tokenizer unlike GPT-2's, which is not supported: '%s' is true"
                .formatted(key));
    write("tokenizer_config.json", "{\"%s\": false}".formatted(key));
    assertThat(Tokenizer.load(folder).vocabSize()).isEqualTo(8);
  }

  @Test
  void saysWhichByteAVocabularyLacks() throws IOException {
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThatThrownBy(() -> tokenizer.encode("hallo"))
        .isInstanceOf(JambicException.class)
        .hasMessage("the vocabulary lacks the byte 0x61, which the character U+0061 needs");
  }

  @Test
  void keepsGpt2sMergesAsOpenAiHasThem() throws IOException {
    try (var in = BpeFiles.class.getResourceAsStream("gpt2-merges.txt")) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      assertThat(lines).hasSize(50_001).startsWith("#version: 0.2", "Ġ t", "Ġ a", "h e");
    }
  }

  private void refused(String sentence) {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining(sentence);
  }
}

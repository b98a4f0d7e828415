package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.JsonObject;
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

  /** transformers stores what the last call asked for, and does not do it unless asked again. */
  @Test
  void truncationAndPaddingBesideATokenizerConfigAreLeftToTheCall() throws IOException {
    BpeFiles.gpt2().save(folder);
    Path file = folder.resolve("tokenizer.json");
    String changed =
        Files.readString(file)
            .replaceFirst("\"truncation\" : null", "\"truncation\" : {\"max_length\": 8}")
            .replaceFirst("\"padding\" : null", "\"padding\" : {\"strategy\": {\"Fixed\": 8}}");
    assertThat(changed).contains("max_length").contains("Fixed");
    Files.writeString(file, changed);
    assertThat(Tokenizer.load(folder).encode("a b c d e f g h i j")).hasSize(10);
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
          "add_prefix_space":false | "add_prefix_space":false,"use_regex":false | 'use_regex' is false
          "ByteLevel" | "Metaspace" | its pre_tokenizer is 'Metaspace'
          "ByteLevel" | "ByteLevel","behavior":"Isolated" | the key 'behavior' is not known
          {"type":"ByteLevel","add_prefix_space":false} | null | it has no 'pre_tokenizer'
          {"type":"ByteLevel","add_prefix_space":false} | {"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"ByteLevel"}]} | its pre_tokenizer is 'Digits, ByteLevel'
          {"type":"ByteLevel","add_prefix_space":false} | {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"a"},"behavior":"Isolated"},{"type":"ByteLevel","use_regex":false}]} | its pre_tokenizer is 'Split, ByteLevel'
          "normalizer":null | "normalizer":{"type":"NFC"} | the normalizer 'NFC' is not supported; a tokenizer without one is
          "normalizer":null | "normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"}]} | the normalizer 'Lowercase' is not supported
          "normalizer":null | "truncation":{"max_length":8} | 'truncation' cuts texts
          "normalizer":null | "padding":{"strategy":{"Fixed":8}} | 'strategy' is '{Fixed=8}', which is not supported
          "normalizer":null | "decoder":{"type":"WordPiece"} | the decoder 'WordPiece' is not supported here; ByteLevel is
          "normalizer":null | "post_processor":{"type":"Magic"} | the post-processor 'Magic' is not supported
          "normalizer":null | "post_processor":{"type":"BertProcessing","sep":["x",8],"cls":["x",0]} | the post_processor adds the token id 8, which the vocabulary lacks
          "normalizer":null | "post_processor":{"type":"BertProcessing","sep":"x","cls":["x",0]} | 'sep' must be an array, got 'x'
          "normalizer":null | "post_processor":{"type":"TemplateProcessing","single":[]} | 'single' lacks the sequence A
          "normalizer":null | "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}]} | 'single' must have the sequence A once
          "vocab" | "dropout":0.1,"vocab" | 'dropout' is '0.1', which is not supported
          "vocab" | "end_of_word_suffix":"</w>","vocab" | 'end_of_word_suffix' is '</w>', which is not supported
          "content" | "text" | entry 1 of 'added_tokens': the key 'text' is not known
          "added_tokens":[ | "added_tokens":[{"id":6,"content":""}, | an added token must not be empty
          "special" | "id2":1,"special" | the key 'id2' is not known
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
  void refusesNewTokensOutOfOrderToWhichOtherProgramsGiveOtherIds() throws IOException {
    String inOrder = json("", "\"l l\",\"Ġ h\"", "");
    String added = "\"added_tokens\":[";
    assertThat(inOrder).contains(added);
    String b = "{\"id\":9,\"content\":\"<b>\"},";
    String a = "{\"id\":8,\"content\":\"<a>\"},";
    Path file = write("tokenizer.json", inOrder.replace(added, added + b + a));
    refused(file + ": the added token '<b>' has the id 9, but with this vocabulary it gets 8");
    write("tokenizer.json", inOrder.replace(added, added + a + b));
    assertThat(Tokenizer.load(folder).vocabSize()).isEqualTo(10);
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
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "split_special_tokens":true | 'split_special_tokens' is 'true', which is not supported; false is
          "tokenizer_class":"RobertaTokenizer" | 'tokenizer_class' is 'RobertaTokenizer', which is not supported
          "image_token":"<image>" | the key 'image_token' is not known
          "added_tokens_decoder":{"9":{"content":"[PAD]"}} | the added token '[PAD]' has the id 9, but with this vocabulary it gets 8
          "added_tokens_decoder":{"x":{"content":"[PAD]"}} | the key 'x' is not the id of a token
          "added_tokens_decoder":{"8":{"content":"[PAD]","strip":true}} | the key 'strip' is not known
          "pad_token":8 | 'pad_token' must be the text of a token or an object, got '8'
          "add_bos_token":true,"bos_token":null | 'add_bos_token' is true, but the vocabulary has no 'bos_token'
          """)
  void refusesSettingsThatAreNotObeyed(String setting, String sentence) throws IOException {
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    Path settings = write("tokenizer_config.json", "{" + setting + "}");
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(settings.toString())
        .hasMessageContaining(sentence);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "add_prefix_space":true | 'add_prefix_space' is true, but false in tokenizer.json; make them agree
          "tokenizer_class":"GPT2Tokenizer" | the 'tokenizer_class' of GPT-2 does not know 'ignore_merges'
          """)
  void refusesSettingsThatContradictTheTokenizer(String setting, String sentence)
      throws IOException {
    write(
        "tokenizer.json",
        json("", "\"l l\",\"Ġ h\"", "").replace("\"vocab\"", "\"ignore_merges\":true,\"vocab\""));
    assertThat(Tokenizer.load(folder).encode("ll")).containsExactly(5);
    Path settings = write("tokenizer_config.json", "{" + setting + "}");
    refused(settings + ": " + sentence);
  }

  @Test
  void dropsByteOrderMarks() throws IOException {
    writeVocabulary();
    Path file = folder.resolve("vocab.json");
    Files.writeString(file, "\uFEFF" + Files.readString(file));
    write("merges.txt", "\uFEFF#version: 0.2\nl l\nĠ h\n");
    Tokenizer tokenizer = Tokenizer.load(folder);
    assertThat(tokenizer.encode("hello")).containsExactly(0, 1, 5, 3);
    write("merges.txt", "\uFEFFl l\nĠ h\n");
    assertThat(Tokenizer.load(folder)).isEqualTo(tokenizer);
    write("tokenizer.json", "\uFEFF" + json("", "\"l l\",\"Ġ h\"", ""));
    assertThat(Tokenizer.load(folder)).isEqualTo(tokenizer);
  }

  @Test
  void writesTheFlagsOfNamedTokensWhereTransformersReadsThem() throws IOException {
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    write(
        "special_tokens_map.json",
        """
        {"pad_token": {"content": "[P]", "lstrip": true},
         "additional_special_tokens": ["[Q]", {"content": "[R]", "rstrip": true}]}
        """);
    Path saved = Files.createDirectory(folder.resolve("saved"));
    Tokenizer tokenizer = Tokenizer.load(folder);
    tokenizer.save(saved);
    assertThat(JsonObject.read(saved.resolve("tokenizer_config.json")).values())
        .containsEntry("pad_token", "[P]")
        .containsEntry("extra_special_tokens", List.of("[Q]", "[R]"));
    Tokenizer back = Tokenizer.load(saved);
    assertThat(back).isEqualTo(tokenizer);
    assertThat(back.encodePrompt("h [P]h[R] h", true)).containsExactly(0, 8, 0, 10, 0);
  }

  @Test
  void aTokenThatNobodyNamesIsText() throws IOException {
    for (String letter : List.of("[", "P", "]", "[P]")) {
      vocab.put(letter, vocab.size());
    }
    writeVocabulary();
    write("merges.txt", "l l\nĠ h");
    assertThat(Tokenizer.load(folder).encodePrompt("[P]", true)).containsExactly(8, 9, 10);
    write("special_tokens_map.json", "{\"pad_token\": \"[P]\"}");
    assertThat(Tokenizer.load(folder).encodePrompt("[P]", true)).containsExactly(11);
    assertThat(Tokenizer.load(folder).encode("[P]")).containsExactly(8, 9, 10);
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

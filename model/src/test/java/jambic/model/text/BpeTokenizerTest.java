package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTokenizerTest {
  private static final BpeTokenizer GPT2 = BpeTokenizer.gpt2();

  /** Texts with the ids that OpenAI's tiktoken gives them. */
  private static List<Map<String, Object>> parity() throws IOException {
    try (InputStream in =
        BpeTokenizerTest.class.getResourceAsStream("/jambic/model/bpe_gpt2.json")) {
      List<Map<String, Object>> cases = new ArrayList<>();
      for (Object one : JSON.std.listFrom(in)) {
        @SuppressWarnings("unchecked") // the file is ours
        Map<String, Object> fields = (Map<String, Object>) one;
        cases.add(fields);
      }
      return cases;
    }
  }

  private static int[] ids(Map<String, Object> one) {
    return ((List<?>) one.get("ids")).stream().mapToInt(Integer.class::cast).toArray();
  }

  @Test
  void givesTheIdsOfGpt2() throws IOException {
    assertThat(parity())
        .hasSize(218)
        .allSatisfy(one -> {
          String text = (String) one.get("text");
          assertThat(GPT2.encode(text)).isEqualTo(ids(one));
          assertThat(GPT2.decode(ids(one))).isEqualTo(text);
          assertThat(GPT2.decodeBytes(ids(one))).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
          assertThat(decodedOneByOne(ids(one))).isEqualTo(text);
        });
  }

  @Test
  void hasGpt2sTokens() {
    assertThat(GPT2.vocabSize()).isEqualTo(50_257);
    assertThat(GPT2.specialTokens()).containsExactly(Map.entry("<|endoftext|>", 50_256));
    assertThat(GPT2.decode(50_256)).isEqualTo("<|endoftext|>");
  }

  @Test
  void takesSpecialTokensOnlyWhenAsked() {
    assertThat(GPT2.encode("a<|endoftext|> b")).hasSize(9).doesNotContain(50_256);
    assertThat(GPT2.encodeWithSpecialTokens("a<|endoftext|> b")).containsExactly(64, 50_256, 275);
    assertThat(GPT2.encodeWithSpecialTokens("<|endoftext|><|endoftext|>"))
        .containsExactly(50_256, 50_256);
    assertThat(GPT2.encodeWithSpecialTokens("a b")).isEqualTo(GPT2.encode("a b"));
    assertThat(CharTokenizer.of("ab").encodeWithSpecialTokens("ab")).containsExactly(0, 1);
  }

  @Test
  void takesHalfOfASurrogatePairForTheReplacementCharacter() {
    assertThat(GPT2.encode("a\ud83d b\udc00")).isEqualTo(GPT2.encode("a\ufffd b\ufffd"));
  }

  @Test
  void encodesPartByPartAsAWhole() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 3000; i++) {
      String text = RandomText.of(random);
      assertThat(encodedInParts(GPT2, text, random)).as(text).isEqualTo(GPT2.encode(text));
    }
  }

  @Test
  void givesEveryTextBack() {
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 20_000; i++) {
      String text = RandomText.of(random);
      int[] ids = GPT2.encode(text);
      assertThat(GPT2.decode(ids)).isEqualTo(text);
      assertThat(decodedOneByOne(ids)).isEqualTo(text);
    }
  }

  @Test
  void decodesAnyIdsPartByPartAsAWhole() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 3000; i++) {
      int[] ids = random.ints(random.nextInt(8), 0, 256).toArray(); // mostly no valid UTF-8
      assertThat(decodedOneByOne(ids)).isEqualTo(GPT2.decode(ids));
    }
  }

  @Test
  void holdsAnIncompleteCharacterBack() {
    int[] ids = GPT2.encode("🙂"); // two tokens
    assertThat(ids).hasSize(2);
    TokenDecoder decoder = GPT2.decoder();
    assertThat(decoder.next(ids[0])).isEmpty();
    assertThat(decoder.next(ids[1])).isEqualTo("🙂");
    assertThat(decoder.end()).isEmpty();
    TokenDecoder cut = GPT2.decoder();
    cut.next(ids[0]);
    assertThat(cut.end()).isEqualTo("\ufffd");
  }

  @Test
  void takesLongWordsInItsStride() {
    String word = "aB".repeat(500_000) + "é".repeat(500_000);
    assertThat(GPT2.decode(GPT2.encode(word))).isEqualTo(word);
  }

  @Test
  void servesManyThreads() {
    SplittableRandom random = new SplittableRandom(4);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      texts.add(RandomText.of(random));
    }
    BpeTokenizer shared = BpeTokenizer.gpt2();
    List<int[]> together = texts.parallelStream().map(shared::encode).toList();
    List<int[]> alone = texts.stream().map(GPT2::encode).toList();
    assertThat(together).usingRecursiveComparison().isEqualTo(alone);
  }

  @Test
  void refusesIdsOutsideTheVocabulary() {
    for (int id : new int[] {-1, 50_257}) {
      assertThatThrownBy(() -> GPT2.decode(0, id))
          .isInstanceOf(JambicException.class)
          .hasMessage("token id " + id + " is outside the vocabulary, which ends at 50256");
    }
  }

  @Test
  void isSavedAndLoaded(@TempDir Path folder) throws IOException {
    GPT2.save(folder);
    assertThat(Tokenizer.load(folder)).isEqualTo(GPT2).hasSameHashCodeAs(GPT2);
    assertThat(Tokenizer.load(folder).encode("Hello world")).containsExactly(15_496, 995);
    assertThat(Files.readString(folder.resolve("tokenizer_config.json"))).contains("<|endoftext|>");
  }

  private static int[] encodedInParts(Tokenizer tokenizer, String text, SplittableRandom random) {
    TokenEncoder encoder = tokenizer.encoder();
    List<Integer> ids = new ArrayList<>();
    for (int from = 0; from < text.length(); ) {
      int to = Math.min(text.length(), from + random.nextInt(4));
      for (int id : encoder.next(text.substring(from, to))) {
        ids.add(id);
      }
      from = to;
    }
    for (int id : encoder.end()) {
      ids.add(id);
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  private static String decodedOneByOne(int... ids) {
    TokenDecoder decoder = GPT2.decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.end()).toString();
  }
}

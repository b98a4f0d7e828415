package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.io.JsonObject;
import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
  @TempDir Path folder;
  private static final String TEXT = "low lower lowest, newer newest: low and new. ".repeat(20);

  private static BpeTokenizer trained(String text, int vocabSize) {
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(text);
    return trainer.train(vocabSize);
  }

  @Test
  void learnsThePairsThatOccurMostOften() {
    BpeTokenizer tokenizer = trained("aab aab aab aab cd", 260);
    // " a" 3 times; "aa" 4 times, so first; then "aa"+"b"; then " "+"aab".
    assertThat(tokenizer.vocabSize()).isEqualTo(260);
    assertThat(tokenizer.decode(256)).isEqualTo("aa");
    assertThat(tokenizer.decode(257)).isEqualTo("aab");
    assertThat(tokenizer.decode(258)).isEqualTo(" aab");
    assertThat(tokenizer.encode("aab aab")).containsExactly(257, 258);
    assertThat(tokenizer.specialTokens()).containsEntry("<|endoftext|>", 259);
  }

  @Test
  void stopsWhereNoPairOccursTwice() {
    assertThat(trained("abc", 1000).vocabSize()).isEqualTo(BpeTrainer.LEAST_VOCAB_SIZE);
  }

  @Test
  void learnsTheSameHoweverTheTextIsCut() {
    BpeTrainer parts = new BpeTrainer();
    SplittableRandom random = new SplittableRandom(1);
    for (int from = 0; from < TEXT.length(); ) {
      int to = Math.min(TEXT.length(), from + random.nextInt(5));
      parts.add(TEXT.substring(from, to));
      from = to;
    }
    assertThat(parts.train(280)).isEqualTo(trained(TEXT, 280));
  }

  /** Written by tokenizers 0.23.2: ByteLevelBPETokenizer, 506 tokens, from one text. */
  @Test
  void learnsTheMergesOfTokenizersTiesIncluded() throws Exception {
    Map<String, Object> fixture =
        JSON.std.mapFrom(
            Files.readString(
                Path.of(getClass().getResource("/jambic/model/bpe_training.json").toURI())));
    List<?> expected = (List<?>) fixture.get("merges");
    trained(fixture.get("text").toString(), 1000).save(folder);
    assertThat(
            JsonObject.read(folder.resolve("tokenizer.json"))
                .object("model")
                .optionalList("merges")
                .orElseThrow())
        .map(merge -> merge instanceof List<?> pair ? pair.get(0) + " " + pair.get(1) : merge)
        .isEqualTo(expected);
  }

  /** It was minutes when the lists of words grew with every merge. */
  @Test
  void learnsThousandsOfTokensFromAMegabyteInSeconds() {
    SplittableRandom random = new SplittableRandom(3);
    StringBuilder text = new StringBuilder();
    while (text.length() < 1 << 20) {
      int length = 1 + random.nextInt(9);
      for (int i = 0; i < length; i++) {
        text.append((char) ('a' + random.nextInt(1 + random.nextInt(26))));
      }
      text.append(random.nextInt(9) == 0 ? "\n    " : " ");
    }
    List<Integer> progress = new ArrayList<>();
    BpeTrainer trainer = new BpeTrainer();
    trainer.add(text.toString());
    assertTimeout(
        Duration.ofSeconds(30),
        () -> assertThat(trainer.train(4000, progress::add).vocabSize()).isEqualTo(4000));
    assertThat(progress).hasSize(4000 - 257).startsWith(258).endsWith(4000);
  }

  @Test
  void refusesHalfOfASurrogatePair() {
    assertThatThrownBy(() -> trained("abc \uD83D abc", 300))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("half of a surrogate pair");
  }

  @Test
  void encodesTextsThatItHasNotSeen() {
    BpeTokenizer tokenizer = trained(TEXT, 280);
    String other = "Größe 🙂 <|endoftext|> lowest";
    assertThat(tokenizer.encode("lowest")).hasSizeLessThan(4);
    assertThat(tokenizer.decodeBytes(tokenizer.encode(other)))
        .isEqualTo(other.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void refusesAVocabularyWithoutRoomForTheBytes() {
    assertThatThrownBy(() -> trained(TEXT, 256))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("at least 257 tokens");
  }
}

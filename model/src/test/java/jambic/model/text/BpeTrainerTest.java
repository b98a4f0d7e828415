package jambic.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BpeTrainerTest {
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

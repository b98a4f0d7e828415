package jambic.train.pairs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.text.BpeTokenizer;
import jambic.model.text.BpeTrainer;
import jambic.tensor.JambicException;
import java.util.List;
import org.junit.jupiter.api.Test;

class EncodedPairsTest {
  private static final BpeTokenizer BYTES = new BpeTrainer().trainForTranslation(259, n -> {});
  private static final List<Pair> PAIRS =
      List.of(new Pair("ab", "c"), new Pair("a", "abcdef"), new Pair("abcdef", ""));

  @Test
  void endsBothSidesAndCountsWhatIsTooLong() {
    EncodedPairs encoded = EncodedPairs.of("the data", PAIRS, BYTES, 3);
    assertThat(encoded.tooLong()).isEqualTo(2);
    assertThat(encoded.pairs()).hasSize(1);
    assertThat(encoded.pairs().getFirst().source())
        .containsExactly(BYTES.encode("a")[0], BYTES.encode("b")[0], 2);
    assertThat(encoded.pairs().getFirst().target()).containsExactly(BYTES.encode("c")[0], 2);
    assertThat(EncodedPairs.of("the data", PAIRS, BYTES, 7).tooLong()).isZero();
  }

  @Test
  void theTextOfASpecialTokenIsText() {
    EncodedPairs encoded =
        EncodedPairs.of("the data", List.of(new Pair("</s>", "<pad>")), BYTES, 64);
    assertThat(encoded.pairs().getFirst().source()).hasSize(5);
    assertThat(encoded.pairs().getFirst().target()).hasSize(6).doesNotContain(0);
  }

  @Test
  void refusesDataOfWhichNothingIsLeft() {
    assertThatThrownBy(() -> EncodedPairs.of("the data", PAIRS, BYTES, 2))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "none of the 3 pairs of the data has at most maxLength (2) tokens on both sides; give a larger one or shorter texts");
  }

  @Test
  void refusesAVocabularyWithoutAnEnd() {
    assertThatThrownBy(() -> EncodedPairs.of("the data", PAIRS, BpeTokenizer.gpt2(), 9))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a translator's tokenizer puts one token behind a text, but this puts 0 before and 0 behind; train one on the pairs");
  }
}

package jambic.train.classify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.text.CharTokenizer;
import jambic.tensor.JambicException;
import jambic.train.example.LabelledText;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelEncoderTest {
  private final LabelEncoder encoder =
      new LabelEncoder(CharTokenizer.of("abc"), List.of("no", "yes"), 3);

  @Test
  void aTextThatIsTooLongLosesItsEndAndIsCounted() {
    LabelEncoder.Encoded encoded =
        encoder.encode(
            "x", List.of(new LabelledText("abcab", "yes"), new LabelledText("cab", "no")));
    assertThat(encoded.texts().getFirst().ids()).containsExactly(0, 1, 2);
    assertThat(encoded.texts().getFirst().label()).isOne();
    assertThat(encoded.texts().getLast().ids()).containsExactly(2, 0, 1);
    assertThat(encoded.texts().getLast().label()).isZero();
    assertThat(encoded.sentence())
        .hasValue("1 of 2 texts are too long; only the first 3 tokens of each count");
  }

  @Test
  void nothingIsSaidWhereNothingIsCut() {
    assertThat(encoder.encode("x", List.of(new LabelledText("abc", "no"))).sentence()).isEmpty();
  }

  @Test
  void aLabelThatTheModelDoesNotKnowIsNamed() {
    List<LabelledText> rows = List.of(new LabelledText("abc", "perhaps"));
    assertThatThrownBy(() -> encoder.encode("test.jsonl", rows))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "test.jsonl has the label 'perhaps', which the model does not know; it knows 'no',"
                + " 'yes'");
  }

  @Test
  void aTextWithoutTokensIsNamed() {
    List<LabelledText> rows = List.of(new LabelledText("", "yes"));
    assertThatThrownBy(() -> encoder.encode("test.jsonl", rows))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "test.jsonl has the text '', of which the tokenizer makes no token; leave it out");
  }
}

package jambic.train.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LabelledSplitTest {
  private static final List<LabelledText> TEXTS =
      IntStream.range(0, 1000)
          .mapToObj(i -> new LabelledText("Text " + i, i % 2 == 0 ? "good" : "bad"))
          .toList();

  @Test
  void aFifthIsHeldOutWhateverElseIsThere() {
    LabelledSplit split = LabelledSplit.byText("x", TEXTS, 0.2);
    assertThat(split.heldOut()).hasSizeBetween(160, 240);
    assertThat(split.train()).hasSize(1000 - split.heldOut().size());
    assertThat(split.labels()).containsExactly("bad", "good");
    LabelledSplit half = LabelledSplit.byText("x", TEXTS.subList(500, 1000), 0.2);
    assertThat(split.heldOut()).containsAll(half.heldOut());
    assertThat(split.train()).containsAll(half.train());
  }

  @Test
  void aTextThatComesAgainIsDroppedAndCounted() {
    List<LabelledText> texts = new ArrayList<>(TEXTS);
    texts.add(new LabelledText(" TEXT 7", "good"));
    LabelledSplit split = LabelledSplit.byText("x", texts, 0.2);
    assertThat(split.repeated()).isOne();
    assertThat(split.train().size() + split.heldOut().size()).isEqualTo(1000);
  }

  @Test
  void labelsThatAreNumbersAreInTheOrderOfTheirSize() {
    List<LabelledText> texts =
        IntStream.range(0, 100)
            .mapToObj(i -> new LabelledText("Text " + i, Integer.toString(i % 12 - 1)))
            .toList();
    assertThat(LabelledSplit.byText("x", texts, 0.2).labels())
        .containsExactly("-1", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10");
  }

  @Test
  void tooFewTextsAreRefused() {
    assertThatThrownBy(() -> LabelledSplit.byText("x.jsonl", TEXTS.subList(0, 1), 0.2))
        .isInstanceOf(JambicException.class)
        .hasMessage("x.jsonl has 1 different text, too few to hold some out; give more");
  }
}

package jambic.train.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ClassificationScoresTest {
  private static final Offset<Double> EXACT = within(1e-12);
  private static final List<String> LABELS = List.of("a", "b", "c", "d");

  @Test
  void theScoresAreThoseOfTheFormulas() {
    // The right and the told: a a, a b, a a, b b, b c, c c, c a, c c
    ClassificationScores scores =
        ClassificationScores.of(
            LABELS, new int[] {0, 0, 0, 1, 1, 2, 2, 2}, new int[] {0, 1, 0, 1, 2, 2, 0, 2});
    assertThat(scores.count()).isEqualTo(8);
    assertThat(scores.accuracy()).isCloseTo(5 / 8.0, EXACT);
    assertThat(scores.precision(0)).isCloseTo(2 / 3.0, EXACT);
    assertThat(scores.recall(0)).isCloseTo(2 / 3.0, EXACT);
    assertThat(scores.f1(0)).isCloseTo(2 / 3.0, EXACT);
    assertThat(scores.precision(1)).isCloseTo(0.5, EXACT);
    assertThat(scores.recall(1)).isCloseTo(0.5, EXACT);
    assertThat(scores.f1(1)).isCloseTo(0.5, EXACT);
    assertThat(scores.f1(2)).isCloseTo(2 / 3.0, EXACT);
    // scikit-learn: f1_score(..., average="macro"), over the three classes that occur
    assertThat(scores.macroF1()).isCloseTo(11 / 18.0, EXACT);
    assertThat(scores.confusion(0, 1)).isOne();
    assertThat(scores.confusion(1, 0)).isZero();
    assertThat(scores.confusion(2, 2)).isEqualTo(2);
  }

  @Test
  void aClassThatIsNeverToldCountsAsZero() {
    ClassificationScores scores =
        ClassificationScores.of(LABELS, new int[] {0, 0, 0, 1}, new int[] {0, 0, 0, 0});
    assertThat(scores.accuracy()).isEqualTo(0.75);
    assertThat(scores.precision(1)).isZero();
    assertThat(scores.recall(1)).isZero();
    assertThat(scores.f1(1)).isZero();
    assertThat(scores.f1(0)).isCloseTo(6 / 7.0, EXACT);
    assertThat(scores.macroF1()).isCloseTo(3 / 7.0, EXACT);
    assertThat(scores.f1(3)).isZero();
  }

  @Test
  void listsThatDoNotMatchAreRefused() {
    assertThatThrownBy(() -> ClassificationScores.of(LABELS, new int[] {0}, new int[0]))
        .isInstanceOf(JambicException.class)
        .hasMessage("got 1 right label and 0 predictions; give at least one, and as many of both");
    assertThatThrownBy(() -> ClassificationScores.of(LABELS, new int[0], new int[0]))
        .isInstanceOf(JambicException.class);
  }
}

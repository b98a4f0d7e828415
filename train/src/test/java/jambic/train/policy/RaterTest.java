package jambic.train.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RaterTest {
  @TempDir private Path folder;

  @Test
  void exactMatchIsOneOrNothing() {
    assertThat(
            MatchRater.EXACT.scores(
                List.of(answer("42", true), answer(" 42\n", true), answer("43", true))))
        .containsExactly(1, 1, 0);
    assertThat(MatchRater.EXACT.rate(answer("42", false))).isZero();
  }

  @Test
  void gradedMatchPrefersTheNearerOfWrongAnswers() {
    assertThat(MatchRater.GRADED.rate(answer("42", true))).isEqualTo(1);
    assertThat(MatchRater.GRADED.rate(answer("45", true))).isCloseTo(-0.6, within(1e-12));
    assertThat(MatchRater.GRADED.rate(answer("4213", true))).isCloseTo(-0.6, within(1e-12));
    assertThat(MatchRater.GRADED.rate(answer("", true))).isEqualTo(-1);
    assertThat(MatchRater.GRADED.rate(answer("42", false))).isEqualTo(-2);
  }

  @Test
  void charactersOutsideTheBasicPlaneAreOneEach() {
    Completion completion = new Completion("?", "😀b", true, Optional.of("😀a"));
    assertThat(MatchRater.GRADED.rate(completion)).isCloseTo(-0.6, within(1e-12));
  }

  @Test
  void aPromptWithoutAnswerCannotBeMatched() {
    Completion completion = new Completion("Why?", "Because.", true, Optional.empty());
    assertThatThrownBy(() -> MatchRater.EXACT.rate(completion))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the prompt 'Why?' has no answer to compare with; give each prompt an answer, or choose another rater than exact");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "good\t3\ncan't stand\t-3\n\nwell-made\t2\nstand\t1\n",
        "{\"good\": 3, \"can't stand\": -3, \"well-made\": 2, \"stand\": 1}"
      })
  void sentimentIsTheMeanOverWords(String list) throws IOException {
    SentimentRater rater = SentimentRater.read(file(list));
    assertThat(rater.rate(answer("Good, and well-made!", false))).isEqualTo(5.0 / 3);
    assertThat(rater.rate(answer("I can’t stand it", true))).isEqualTo(-3.0 / 4);
    assertThat(rater.rate(answer("Stand!", true))).isEqualTo(1);
    assertThat(rater.rate(answer("...", true))).isZero();
  }

  @Test
  void aListThatIsNoneIsRefusedByItsLine() throws IOException {
    requireRefusal("good 3", ":1: 'good 3' has no letters or no value;");
    requireRefusal("good\t3\nbad\tvery", ":2: 'bad' has no letters or no value;");
    requireRefusal("good\tNaN", ":1: 'good' has no letters or no value;");
    requireRefusal(":-)\t3", ":1: ':-)' has no letters or no value;");
    requireRefusal("good\t3\nGood\t2", ":2: 'Good' has two values, 3.0 and 2.0; keep one");
    requireRefusal("{\"good\": null}", ": 'good' has no letters or no value;");
    requireRefusal("{\"good\": ", ": this is not valid JSON");
    requireRefusal("\n\n", " has no words;");
  }

  private void requireRefusal(String list, String message) throws IOException {
    Path file = file(list);
    assertThatThrownBy(() -> SentimentRater.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(file + message);
  }

  private Path file(String list) throws IOException {
    return Files.writeString(folder.resolve("words.txt"), list);
  }

  private static Completion answer(String text, boolean ended) {
    return new Completion("What is 41 plus 1?", text, ended, Optional.of("42"));
  }
}

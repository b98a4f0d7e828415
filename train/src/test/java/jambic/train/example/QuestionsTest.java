package jambic.train.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import jambic.train.example.Questions.Kind;
import jambic.train.example.Questions.Question;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class QuestionsTest {
  private static final List<Kind> ALL = List.of(Kind.values());
  private static final List<String> DAYS =
      List.of("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday");

  /** What a reader of the question answers, from its words alone. */
  private static String answer(String question) {
    List<String> words =
        Pattern.compile("[A-Za-z0-9]+")
            .matcher(question)
            .results()
            .map(MatchResult::group)
            .toList();
    List<Integer> numbers =
        words.stream().filter(word -> word.matches("\\d+")).map(Integer::valueOf).toList();
    String last = words.getLast();
    if (question.contains(" plus ")) {
      return Integer.toString(numbers.get(0) + numbers.get(1));
    } else if (question.contains(" minus ")) {
      return Integer.toString(numbers.get(0) - numbers.get(1));
    } else if (question.contains("larger")) {
      return Integer.toString(Math.max(numbers.get(0), numbers.get(1)));
    } else if (question.contains("comes after")) {
      return Integer.toString(numbers.get(0) + 1);
    } else if (question.contains("backwards")) {
      return new StringBuilder(words.get(2)).reverse().toString();
    } else if (question.contains("last letter")) {
      return last.substring(last.length() - 1);
    } else if (question.contains("How many letters")) {
      return Integer.toString(words.get(4).length());
    }
    return DAYS.get((DAYS.indexOf(last) + numbers.getFirst()) % 7);
  }

  @Test
  void everyAnswerIsRightAndEveryStatementSaysIt() {
    Questions questions = new Questions(ALL, 1);
    Set<Kind> seen = EnumSet.noneOf(Kind.class);
    for (int i = 0; i < 4000; i++) {
      Question question = questions.question(i);
      seen.add(question.kind());
      assertThat(question.answer()).as(question.question()).isEqualTo(answer(question.question()));
      assertThat(question.answer()).doesNotStartWith("-");
      assertThat(question.statement()).contains(question.answer()).endsWith(".");
    }
    assertThat(seen).hasSize(8);
  }

  @Test
  void aTenthIsHeldOutByItsWords() {
    // zlib.crc32(q.encode()) % 10 in Python
    assertThat(new Question(Kind.PLUS, "What is 48 plus 4?", "52", "").isHeldOut()).isTrue();
    assertThat(new Question(Kind.PLUS, "What is 3 plus 4?", "7", "").isHeldOut()).isFalse();
    Questions questions = new Questions(ALL, 1);
    long held = 0;
    for (int i = 0; i < 10_000; i++) {
      held += questions.question(i).isHeldOut() ? 1 : 0;
    }
    assertThat(held).isBetween(900L, 1100L);
    assertThat(questions.list(500, 0, true)).allMatch(Question::isHeldOut);
    assertThat(questions.list(500, 0, false)).noneMatch(Question::isHeldOut);
  }

  @Test
  void questionsOfAListDifferAndTheSeedDecidesThem() {
    List<Question> list = new Questions(ALL, 7).list(2000, 0, false);
    assertThat(new HashSet<>(list)).hasSize(2000);
    assertThat(new Questions(ALL, 7).list(2000, 0, false)).isEqualTo(list);
    assertThat(new Questions(ALL, 8).list(2000, 0, false)).isNotEqualTo(list);
  }

  @Test
  void onlyTheKindsThatWereChosenAreAsked() {
    assertThat(new Questions(List.of(Kind.DAY, Kind.LAST), 1).list(100, 0, false))
        .extracting(Question::kind)
        .containsOnly(Kind.DAY, Kind.LAST);
  }

  @Test
  void moreThanThereAreIsRefused() {
    assertThatThrownBy(() -> new Questions(List.of(Kind.DAY), 1).list(1000, 0, false))
        .isInstanceOf(JambicException.class)
        .hasMessageMatching(
            "these kinds have about 1[0-9]{2} different questions to train on, not 1,000; ask for"
                + " fewer, or for more kinds");
    assertThat(new Questions(List.of(Kind.DAY), 1).atMost(1000, 0, true)).hasSizeBetween(5, 30);
    assertThatThrownBy(() -> Kind.of("times"))
        .hasMessage(
            "there are no questions of the kind 'times'; the kinds are plus, minus, larger, after,"
                + " reverse, last, letters, day");
    assertThat(Arrays.stream(Kind.values()).map(kind -> Kind.of(kind.text())))
        .containsExactlyElementsOf(ALL);
  }
}

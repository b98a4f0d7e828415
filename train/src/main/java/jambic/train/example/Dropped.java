package jambic.train.example;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Counts rows that no example is made of, and those of which one is, but that are odd.
 *
 * @param rows all rows
 * @param maxTokens tokens of a prompt and its answer at most
 * @param longPrompts dropped because the prompt leaves no room for an answer
 * @param longAnswers dropped because the answer would be cut off
 * @param equal dropped because both answers have the same tokens
 * @param emptyAnswers kept: answers of nothing but their end
 * @param opposed kept: pairs whose opposite is there too
 */
public record Dropped(
    int rows,
    int maxTokens,
    int longPrompts,
    int longAnswers,
    int equal,
    int emptyAnswers,
    int opposed) {
  private static final double MANY_EMPTY = 0.01;

  /**
   * Counts what is dropped.
   *
   * @return how many rows
   */
  public int count() {
    return longPrompts + longAnswers + equal;
  }

  /**
   * Says which rows are dropped.
   *
   * @return a sentence, empty if none is
   */
  public Optional<String> sentence() {
    return count() == 0
        ? Optional.empty()
        : Optional.of(Text.format("%,d of %s left out: %s", count(), are(rows, "row"), reasons()));
  }

  /**
   * Says what is odd about rows that are kept.
   *
   * @return sentences, of which there may be none
   */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    if (emptyAnswers > 0 && emptyAnswers >= MANY_EMPTY * rows) {
      warnings.add(
          Text.format(
              "%,d of %s empty; the model learns to end them at once",
              emptyAnswers, are(rows, "answer")));
    }
    if (opposed > 0) {
      warnings.add(
          Text.format(
              "%,d of %s contradicted: the same answers are there with the other one chosen",
              opposed, are(rows, "pair")));
    }
    return List.copyOf(warnings);
  }

  /** Refuses rows of which nothing is left. */
  void requireSome() {
    if (count() == rows) {
      throw new JambicException(
          Text.format(
              "no row is left of %s: %s; %s",
              ErrorText.count(rows, "row"),
              reasons(),
              equal == rows ? "give pairs that differ" : "use shorter texts or a larger context"));
    }
  }

  private String reasons() {
    List<String> reasons = new ArrayList<>();
    if (longPrompts > 0) {
      reasons.add(
          Text.format(
              "the prompt of %,d leaves no room for an answer in %s",
              longPrompts, ErrorText.count(maxTokens, "token")));
    }
    if (longAnswers > 0) {
      reasons.add(
          Text.format(
              "the answer of %,d does not fit into %s",
              longAnswers, ErrorText.count(maxTokens, "token")));
    }
    if (equal > 0) {
      reasons.add(Text.format("both answers of %,d are equal", equal));
    }
    return String.join(", ", reasons);
  }

  private static String are(long count, String thing) {
    return ErrorText.count(count, thing) + (count == 1 ? " is" : " are");
  }
}

package jambic.train.policy;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.Locale;

/**
 * Compares an answer with the right one, which may also be the last words of a sentence; white
 * space at both ends does not count.
 */
public enum MatchRater implements Rater {
  /** 1 for the right answer, 0 for any other and for one that does not end. */
  EXACT,
  /**
   * 1 for the right answer; -1 + 0.8 times the share of characters that are the same, place by
   * place, for a wrong one; -2 for one that does not end. Of two wrong answers, the nearer one is
   * better, so that most answers of a prompt can be ranked.
   */
  GRADED,
  /** The same, and 0.5 less for what is no sentence: a capital letter first, a full stop last. */
  SENTENCE;

  private static final double NO_SENTENCE = 0.5;

  /**
   * Tells whether an answer is right: the expected one, alone or as the last words of a sentence.
   *
   * @param answer what was written
   * @param expected the right answer
   * @return whether it is; white space at both ends does not count
   */
  public static boolean isRight(String answer, String expected) {
    return content(answer, expected.strip()).equals(expected.strip());
  }

  /** What a sentence says: its last words, as many as are expected. */
  private static String content(String answer, String expected) {
    String stripped = answer.strip();
    if (!isSentence(stripped) || isSentence(expected)) {
      return stripped;
    }
    String[] words = stripped.substring(0, stripped.length() - 1).split(" +");
    int count = expected.split(" +").length;
    return String.join(
        " ", Arrays.asList(words).subList(Math.max(0, words.length - count), words.length));
  }

  /**
   * Tells whether a text is a sentence: words, a capital letter first, a full stop last.
   *
   * @param answer the text; white space at both ends does not count
   * @return whether it is one
   */
  public static boolean isSentence(String answer) {
    String text = answer.strip();
    return text.length() > 1
        && Character.isUpperCase(text.codePointAt(0))
        && text.endsWith(".")
        && text.contains(" ");
  }

  @Override
  public double rate(Completion completion) {
    String expected =
        completion
            .expected()
            .orElseThrow(() ->
                new JambicException(
                    Text.format(
                        "the prompt %s has no answer to compare with; give each prompt an answer, or choose another rater than %s",
                        ErrorText.quote(completion.prompt()), name().toLowerCase(Locale.ROOT))))
            .strip();
    String answer = content(completion.answer(), expected);
    boolean right = completion.ended() && answer.equals(expected);
    if (this == EXACT) {
      return right ? 1 : 0;
    }
    if (!completion.ended()) {
      return -2;
    }
    double graded = right ? 1 : -1 + 0.8 * same(answer, expected);
    boolean plain = this == SENTENCE && !isSentence(completion.answer().strip());
    return plain ? graded - NO_SENTENCE : graded;
  }

  private static double same(String answer, String expected) {
    int[] a = answer.codePoints().toArray();
    int[] b = expected.codePoints().toArray();
    int same = 0;
    for (int i = 0; i < Math.min(a.length, b.length); i++) {
      same += a[i] == b[i] ? 1 : 0;
    }
    return (double) same / Math.max(1, Math.max(a.length, b.length));
  }
}

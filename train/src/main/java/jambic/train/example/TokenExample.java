package jambic.train.example;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;

/**
 * Tokens of which some are learned: the answers, not the prompts.
 *
 * @param ids the tokens, at least one
 * @param learned whether an id is a target, by the same index; never the first one, which nothing
 *     comes before
 */
public record TokenExample(int[] ids, boolean[] learned) {
  /**
   * Checks the arrays, which are not copied.
   *
   * @throws JambicException if they differ in length, are empty, or the first id is learned
   */
  public TokenExample {
    if (ids.length == 0 || ids.length != learned.length || learned[0]) {
      throw new JambicException(
          Text.format(
              "an example needs a token before those that are learned, and as many flags as tokens; got %s and %s",
              ErrorText.count(ids.length, "token"), ErrorText.count(learned.length, "flag")));
    }
  }

  /**
   * An answer behind its prompt.
   *
   * @param prompt tokens that are not learned, at least one
   * @param answer tokens that are
   * @return the example
   */
  public static TokenExample of(int[] prompt, int[] answer) {
    int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length);
    System.arraycopy(answer, 0, ids, prompt.length, answer.length);
    boolean[] learned = new boolean[ids.length];
    Arrays.fill(learned, prompt.length, ids.length, true);
    return new TokenExample(ids, learned);
  }

  /**
   * Counts the tokens that are learned.
   *
   * @return how many
   */
  public int targets() {
    int count = 0;
    for (boolean target : learned) {
      count += target ? 1 : 0;
    }
    return count;
  }
}

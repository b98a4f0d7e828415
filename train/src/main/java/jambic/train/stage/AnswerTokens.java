package jambic.train.stage;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * Where each answer's numbers lie in an array that has one number for each token of all answers,
 * one answer behind the other, without padding.
 *
 * @param starts index of each answer's first token, and behind them the number of all tokens
 */
public record AnswerTokens(int[] starts) {
  /**
   * Checks that each answer has a token.
   *
   * @throws JambicException if there is no answer, or one without a token
   */
  public AnswerTokens {
    starts = starts.clone();
    if (starts.length < 2 || starts[0] != 0) {
      throw new JambicException("there are no answers to learn from; give one or more");
    }
    for (int i = 1; i < starts.length; i++) {
      if (starts[i] <= starts[i - 1]) {
        throw new JambicException(
            Text.format(
                "answer %d of %d has no token; an empty answer still has the one that ends it",
                i, starts.length - 1));
      }
    }
  }

  /**
   * Places answers one behind the other.
   *
   * @param lengths how many tokens each answer has, one or more
   * @return their places
   * @throws JambicException if there is no answer, or one without a token
   */
  public static AnswerTokens ofLengths(int... lengths) {
    int[] starts = new int[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      starts[i + 1] = Math.addExact(starts[i], lengths[i]);
    }
    return new AnswerTokens(starts);
  }

  /**
   * Where the answers begin.
   *
   * @return a copy
   */
  @Override
  public int[] starts() {
    return starts.clone();
  }

  /**
   * How many answers there are.
   *
   * @return one or more
   */
  public int count() {
    return starts.length - 1;
  }

  /**
   * How many tokens all answers have.
   *
   * @return at least one for each answer
   */
  public int tokens() {
    return starts[count()];
  }

  /**
   * Where an answer begins.
   *
   * @param answer its index
   * @return the index of its first token
   */
  public int start(int answer) {
    return starts[answer];
  }

  /**
   * Where an answer ends.
   *
   * @param answer its index
   * @return the index behind its last token
   */
  public int end(int answer) {
    return starts[answer + 1];
  }

  /**
   * How many tokens an answer has.
   *
   * @param answer its index
   * @return one or more
   */
  public int length(int answer) {
    return end(answer) - start(answer);
  }

  /**
   * Requires a number for each token: else the caller has mixed up its arrays.
   *
   * @param byToken the arrays
   * @throws IllegalArgumentException if one has another length
   */
  public void require(double[]... byToken) {
    for (double[] one : byToken) {
      requireSame(tokens(), one);
    }
  }

  /**
   * Requires arrays of one length.
   *
   * @param length the length
   * @param arrays the arrays
   * @throws IllegalArgumentException if one has another length
   */
  public static void requireSame(int length, double[]... arrays) {
    for (double[] one : arrays) {
      if (one.length != length) {
        throw new IllegalArgumentException(
            Text.format("an array has %d numbers where another has %d", one.length, length));
      }
    }
  }
}

package jambic.train.policy;

import jambic.train.example.TokenPrompt;
import jambic.train.stage.RowBatch;
import java.util.List;
import java.util.stream.IntStream;

/**
 * An answer that a policy drew.
 *
 * @param prompt what it answers
 * @param answer its tokens, with the one that ends it if that came
 * @param ended whether it came
 */
public record Rollout(TokenPrompt prompt, int[] answer, boolean ended) {
  /**
   * Returns prompt and answer, one behind the other.
   *
   * @return the tokens
   */
  public int[] ids() {
    return IntStream.concat(IntStream.of(prompt.ids()), IntStream.of(answer)).toArray();
  }

  /**
   * Returns the answer without its end.
   *
   * @return the tokens
   */
  public int[] words() {
    return IntStream.of(answer).limit(answer.length - (ended ? 1 : 0)).toArray();
  }

  /** Lays answers side by side. */
  static RowBatch batch(List<Rollout> drawn, int context) {
    return RowBatch.answers(
        drawn.stream().map(Rollout::ids).toList(),
        drawn.stream().mapToInt(rollout -> rollout.answer().length).toArray(),
        context);
  }
}

package jambic.train.policy;

import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.AnswerEncoder;
import jambic.train.example.TokenPrompt;
import java.util.List;
import java.util.stream.Stream;

/**
 * What a policy answers while it learns.
 *
 * @param train prompts to learn with
 * @param valid prompts to measure with, always the same
 * @param tokenizer of the policy
 * @param encoder what turned the prompts into tokens
 * @param context the longest prompt with its answer, in tokens
 */
public record PolicyData(
    List<TokenPrompt> train,
    List<TokenPrompt> valid,
    Tokenizer tokenizer,
    AnswerEncoder encoder,
    int context) {
  /**
   * Copies the lists.
   *
   * @throws JambicException if there is no prompt to learn with, or one has no room for an answer
   */
  public PolicyData {
    train = List.copyOf(train);
    valid = List.copyOf(valid);
    if (train.isEmpty()) {
      throw new JambicException("there are no prompts to learn with; give one or more");
    }
    Stream.concat(train.stream(), valid.stream())
        .mapToInt(prompt -> prompt.ids().length)
        .filter(length -> length < 1 || length >= context)
        .findFirst()
        .ifPresent(length -> {
          throw new JambicException(
              Text.format(
                  "a prompt of %d tokens leaves no room for an answer in %d, or is empty; leave it out",
                  length, context));
        });
  }

  /** The longest prompt with its answer that there can be: a cache need not hold more. */
  int longest(int responseLength) {
    int prompt =
        Stream.concat(train.stream(), valid.stream())
            .mapToInt(one -> one.ids().length)
            .max()
            .orElseThrow();
    return (int) Math.min(context, (long) prompt + responseLength);
  }

  /**
   * Returns the token that ends the answer to a prompt.
   *
   * @param prompt the prompt
   * @return its id
   */
  public int end(TokenPrompt prompt) {
    return encoder.end(prompt.row().prompt());
  }

  /** The text of an answer without its end. */
  String text(Rollout answer) {
    return tokenizer.decode(answer.words());
  }

  /** Whether an answer is the right one, where that is known. */
  boolean isRight(Rollout answer) {
    return answer.ended()
        && answer
            .prompt()
            .row()
            .answer()
            .map(right -> MatchRater.isRight(text(answer), right))
            .orElse(false);
  }
}

package jambic.train.example;

import jambic.model.ConfigException;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Encodes the rows of a file and leaves out what a model cannot learn from whole: nothing is ever
 * cut off, for half an answer would teach that answers end there, or that they never do.
 */
public final class ExampleEncoder {
  private final AnswerEncoder encoder;
  private final int maxTokens;

  // Counts of Dropped.
  private int longPrompts;
  private int longAnswers;
  private int equal;
  private int empty;

  private ExampleEncoder(AnswerEncoder encoder, int maxTokens) {
    this.encoder = encoder;
    this.maxTokens = maxTokens;
  }

  /**
   * Encodes demonstrations.
   *
   * @param encoder how
   * @param rows the demonstrations
   * @param maxTokens tokens of an example at most, its end included: one more than the context
   *     where the end need not be read, only predicted
   * @return the examples
   * @throws JambicException if none is left
   */
  public static Encoded<TokenExample> examples(
      AnswerEncoder encoder, List<Demonstration> rows, int maxTokens) {
    ExampleEncoder work = new ExampleEncoder(encoder, maxTokens);
    List<TokenExample> examples = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Demonstration row = rows.get(i);
      TokenExample example = encoded(i, () -> encoder.example(row));
      if (work.fits(work.firstLearned(example), example.ids().length)) {
        work.empty += example.targets() == 1 ? 1 : 0;
        examples.add(example);
      }
    }
    return work.encoded(examples, rows.size(), 0);
  }

  /** Index of the first target, where the first answer begins. */
  private int firstLearned(TokenExample example) {
    int index = 0;
    while (index < example.learned().length && !example.learned()[index]) {
      index++;
    }
    return index;
  }

  /**
   * Encodes preferences.
   *
   * @param encoder how
   * @param rows the preferences
   * @param maxTokens tokens of a prompt and an answer at most, its end included
   * @return the pairs
   * @throws JambicException if none is left
   */
  public static Encoded<TokenPair> pairs(
      AnswerEncoder encoder, List<Preference> rows, int maxTokens) {
    ExampleEncoder work = new ExampleEncoder(encoder, maxTokens);
    List<TokenPair> pairs = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      Preference row = rows.get(i);
      int[] prompt = encoded(i, () -> encoder.prompt(row.prompt()));
      int[] chosen = encoded(i, () -> encoder.answer(row.prompt(), row.chosen()));
      int[] rejected = encoded(i, () -> encoder.answer(row.prompt(), row.rejected()));
      if (Arrays.equals(chosen, rejected)) {
        work.equal++;
      } else if (work.fits(
          prompt.length, prompt.length + Math.max(chosen.length, rejected.length))) {
        work.empty += chosen.length == 1 || rejected.length == 1 ? 1 : 0;
        pairs.add(new TokenPair(prompt, chosen, rejected, row.margin()));
      }
    }
    return work.encoded(pairs, rows.size(), opposed(pairs));
  }

  /** How many pairs have their opposite among the others. */
  private static int opposed(List<TokenPair> pairs) {
    Set<List<IntBuffer>> known = new HashSet<>();
    for (TokenPair pair : pairs) {
      known.add(key(pair.prompt(), pair.chosen(), pair.rejected()));
    }
    return (int)
        pairs.stream()
            .filter(pair -> known.contains(key(pair.prompt(), pair.rejected(), pair.chosen())))
            .count();
  }

  private static List<IntBuffer> key(int[] prompt, int[] first, int[] second) {
    return List.of(IntBuffer.wrap(prompt), IntBuffer.wrap(first), IntBuffer.wrap(second));
  }

  /**
   * Encodes judged answers.
   *
   * @param encoder how
   * @param rows the answers
   * @param maxTokens tokens of a prompt and an answer at most, its end included
   * @return the answers
   * @throws JambicException if none is left
   */
  public static Encoded<TokenJudged> judged(
      AnswerEncoder encoder, List<Judged> rows, int maxTokens) {
    ExampleEncoder work = new ExampleEncoder(encoder, maxTokens);
    List<TokenJudged> answers = new ArrayList<>();
    for (Judged row : rows) {
      int[] prompt = encoder.prompt(row.prompt());
      int[] answer = encoder.answer(row.prompt(), row.completion());
      if (work.fits(prompt.length, prompt.length + answer.length)) {
        work.empty += answer.length == 1 ? 1 : 0;
        answers.add(new TokenJudged(prompt, answer, row.good()));
      }
    }
    return work.encoded(answers, rows.size(), 0);
  }

  /**
   * Encodes prompts.
   *
   * @param encoder how
   * @param rows the prompts
   * @param maxTokens tokens of a prompt and an answer at most: a prompt has one less
   * @return the prompts
   * @throws JambicException if none is left
   */
  public static Encoded<TokenPrompt> prompts(
      AnswerEncoder encoder, List<PromptRow> rows, int maxTokens) {
    ExampleEncoder work = new ExampleEncoder(encoder, maxTokens);
    List<TokenPrompt> prompts = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      PromptRow row = rows.get(i);
      int[] ids = encoded(i, () -> encoder.prompt(row.prompt()));
      if (work.fits(ids.length, ids.length + 1)) {
        prompts.add(new TokenPrompt(ids, row));
      }
    }
    return work.encoded(prompts, rows.size(), 0);
  }

  /** What a row gives; a text that the vocabulary cannot express is told with its row. */
  private static <T> T encoded(int row, Supplier<T> encode) {
    try {
      return encode.get();
    } catch (ConfigException e) {
      throw e; // of all rows
    } catch (JambicException e) {
      throw new JambicException(Text.format("row %d of the data: %s", row + 1, e.getMessage()), e);
    }
  }

  /** Whether a row fits, and why not is counted. */
  private boolean fits(int prompt, int all) {
    if (all <= maxTokens) {
      return true;
    }
    if (prompt >= maxTokens) {
      longPrompts++;
    } else {
      longAnswers++;
    }
    return false;
  }

  private <T> Encoded<T> encoded(List<T> examples, int rows, int opposed) {
    Dropped dropped = new Dropped(rows, maxTokens, longPrompts, longAnswers, equal, empty, opposed);
    dropped.requireSome();
    return new Encoded<>(examples, dropped);
  }
}

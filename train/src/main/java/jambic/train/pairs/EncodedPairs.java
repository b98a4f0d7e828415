package jambic.train.pairs;

import jambic.model.ConfigMessage.Name;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import java.util.ArrayList;
import java.util.List;

/**
 * Pairs as token ids.
 *
 * @param pairs those that are short enough, in the order of the data
 * @param maxLength tokens of a side at most, its end included
 * @param tooLong how many pairs were dropped because a side is longer
 */
public record EncodedPairs(List<Ids> pairs, int maxLength, int tooLong) {
  /**
   * A pair.
   *
   * @param source ids of the source and of its end
   * @param target ids of the target and of its end
   */
  public record Ids(int[] source, int[] target) {}

  /** Copies the list. */
  public EncodedPairs {
    pairs = List.copyOf(pairs);
  }

  /**
   * Encodes pairs with the vocabulary of both languages.
   *
   * @param name what error messages call the pairs
   * @param texts the pairs
   * @param tokenizer the vocabulary, which puts an end behind a text and nothing before it
   * @param maxLength tokens of a side at most, its end included
   * @return the pairs that are short enough, one at least
   * @throws JambicException if none is, or the tokenizer is no translator's
   */
  public static EncodedPairs of(String name, List<Pair> texts, Tokenizer tokenizer, int maxLength) {
    if (tokenizer.promptBegin().length != 0 || tokenizer.promptEnd().length != 1) {
      throw new JambicException(
          Text.format(
              "a translator's tokenizer puts one token behind a text, but this puts %d before and %d behind; train one on the pairs",
              tokenizer.promptBegin().length, tokenizer.promptEnd().length));
    }
    List<Ids> pairs = new ArrayList<>();
    for (Pair pair : texts) {
      int[] source = tokenizer.encodePrompt(pair.source(), false);
      int[] target = tokenizer.encodePrompt(pair.target(), false);
      if (Math.max(source.length, target.length) <= maxLength) {
        pairs.add(new Ids(source, target));
      }
    }
    if (pairs.isEmpty()) {
      throw new HyperparameterException(
          "none of the %s of %s has at most %s (%d) tokens on both sides; give a larger one or shorter texts",
          ErrorText.count(texts.size(), "pair"), name, new Name("maxLength"), maxLength);
    }
    return new EncodedPairs(pairs, maxLength, texts.size() - pairs.size());
  }

  /** The length of the longer side of a pair. */
  int length(int pair) {
    Ids ids = pairs.get(pair);
    return Math.max(ids.source().length, ids.target().length);
  }

  /** A length as a batch has it: rounded up, so that there are few, but no longer than allowed. */
  int padded(int length) {
    return Math.min(maxLength, Math.ceilDiv(length, PairBatch.MULTIPLE) * PairBatch.MULTIPLE);
  }
}

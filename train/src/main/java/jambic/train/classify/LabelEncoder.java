package jambic.train.classify;

import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.LabelledText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Turns texts into tokens, and labels into numbers. A text that is too long loses its end, as is
 * usual for classifiers.
 *
 * @param tokenizer of the model
 * @param labels in the model's order
 * @param maxTokens of a text
 */
public record LabelEncoder(Tokenizer tokenizer, List<String> labels, int maxTokens) {
  /** Copies the list. */
  public LabelEncoder {
    labels = List.copyOf(labels);
  }

  /**
   * What became of texts.
   *
   * @param texts as tokens, in order
   * @param cut how many lost their end
   * @param maxTokens what is left of these
   */
  public record Encoded(List<LabelledTokens> texts, int cut, int maxTokens) {
    /** Copies the list. */
    public Encoded {
      texts = List.copyOf(texts);
    }

    /**
     * Says how many texts lost their end.
     *
     * @return a sentence, empty if none did
     */
    public Optional<String> sentence() {
      return LabelEncoder.sentence(cut, texts.size(), maxTokens);
    }
  }

  /**
   * Says how many texts lost their end.
   *
   * @param cut how many did
   * @param all of how many
   * @param maxTokens what is left of them
   * @return a sentence, empty if none did
   */
  public static Optional<String> sentence(int cut, int all, int maxTokens) {
    return cut == 0
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "%,d of %s %s too long; only the first %s of each count",
                cut,
                ErrorText.count(all, "text"),
                all == 1 ? "is" : "are",
                ErrorText.count(maxTokens, "token")));
  }

  /**
   * Encodes texts.
   *
   * @param name what error messages call them
   * @param rows the texts
   * @return their tokens
   * @throws JambicException if a text has no tokens, or a label is unknown
   */
  public Encoded encode(String name, List<LabelledText> rows) {
    List<LabelledTokens> texts = new ArrayList<>();
    int cut = 0;
    for (LabelledText row : rows) {
      int label = labels.indexOf(row.label());
      if (label < 0) {
        throw new JambicException(
            Text.format(
                "%s has the label %s, which the model does not know; it knows %s",
                name, ErrorText.quote(row.label()), known()));
      }
      int[] ids = tokens(row.text());
      if (ids.length == 0) {
        throw new JambicException(
            Text.format(
                "%s has the text %s, of which the tokenizer makes no token; leave it out",
                name, ErrorText.quote(row.text())));
      }
      texts.add(new LabelledTokens(cut(ids), label));
      cut += ids.length > maxTokens ? 1 : 0;
    }
    return new Encoded(texts, cut, maxTokens);
  }

  private String known() {
    int most = 10;
    String first = String.join(", ", labels.stream().limit(most).map(ErrorText::quote).toList());
    return labels.size() > most
        ? Text.format("%s and %d more", first, labels.size() - most)
        : first;
  }

  /**
   * Turns a text into all of its tokens.
   *
   * @param text the text
   * @return its tokens, perhaps too many, perhaps none
   * @throws JambicException if the vocabulary cannot express it
   */
  public int[] tokens(String text) {
    return tokenizer.encodePrompt(text, false);
  }

  /**
   * Takes the end off a text that is too long.
   *
   * @param ids its tokens
   * @return as many of them as count
   */
  public int[] cut(int... ids) {
    return ids.length > maxTokens ? Arrays.copyOf(ids, maxTokens) : ids;
  }
}

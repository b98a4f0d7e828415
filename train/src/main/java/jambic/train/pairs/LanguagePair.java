package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * Which sides of a file of pairs are the source and the target. The format of the file decides what
 * a side's name is: that of a column, the suffix of a file name, a language or a key.
 *
 * @param source the side with the texts to translate
 * @param target the side with their translations
 */
public record LanguagePair(String source, String target) {
  /**
   * Names two sides.
   *
   * @throws JambicException if they are the same, or one has no name
   */
  public LanguagePair {
    if (source.isBlank() || target.isBlank() || source.equals(target)) {
      throw new JambicException(
          Text.format(
              "the source and the target must have two different names, not %s and %s",
              ErrorText.quote(source), ErrorText.quote(target)));
    }
  }
}

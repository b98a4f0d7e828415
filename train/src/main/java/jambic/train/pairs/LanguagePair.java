package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * Which sides of a file of pairs are the source and the target. What the names refer to is the
 * format's: columns, suffixes of file names, languages, keys.
 *
 * @param source the name of the texts to translate
 * @param target the name of their translations
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
              "--source-lang and --target-lang must be two different names, not %s and %s",
              ErrorText.quote(source), ErrorText.quote(target)));
    }
  }
}

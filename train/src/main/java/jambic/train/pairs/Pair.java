package jambic.train.pairs;

/**
 * A text with its translation.
 *
 * @param source the text to translate
 * @param target its translation
 */
public record Pair(String source, String target) {
  /**
   * Tells whether a side is missing: there is nothing in it but white space.
   *
   * @return whether a translator can learn nothing from it
   */
  public boolean isBlank() {
    return source.isBlank() || target.isBlank();
  }
}

package jambic.model.text;

/**
 * Turns a text into token ids as it comes, wherever it is cut; the ids are those of the whole text.
 * One text's state, for one thread.
 */
public interface TokenEncoder {
  /**
   * Takes the next part of the text.
   *
   * @param text any part, perhaps one that ends amid a word
   * @return the ids that are certain now
   * @throws jambic.tensor.JambicException if the vocabulary cannot express the text
   */
  int[] next(String text);

  /**
   * Ends the text.
   *
   * @return the ids of what was still open
   * @throws jambic.tensor.JambicException if the vocabulary cannot express the text
   */
  int[] end();
}

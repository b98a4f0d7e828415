package jambic.model.text;

/** Turns a stream of token ids into text as it comes; one stream's state, for one thread. */
public interface TokenDecoder {
  /**
   * Takes the next token.
   *
   * @param id its id
   * @return the text that is certain now; empty while a character is incomplete
   * @throws jambic.tensor.JambicException if the vocabulary has no such id
   */
  String next(int id);

  /**
   * Ends the stream.
   *
   * @return what a last, incomplete character leaves; mostly empty
   */
  String end();
}

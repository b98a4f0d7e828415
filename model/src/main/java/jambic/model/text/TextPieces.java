package jambic.model.text;

/** Hears of a text part by part: texts of their own, and the added tokens between them. */
interface TextPieces {
  /** Takes more of the text that is open. */
  void text(String part);

  /** Ends the text that is open; a token follows, and then the next text. */
  void token(int id);

  /** Ends the last text. */
  void end();
}

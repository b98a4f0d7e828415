package jambic.model.text;

import java.util.List;

/** The special tokens of a translator's vocabulary, which are its first. */
public final class TranslationTokens {
  /** Fills short rows of a batch up. */
  public static final String PAD = "<pad>";

  /**
   * What the decoder begins with. It is not the padding, whose embedding PyTorch would not train.
   */
  public static final String START = "<s>";

  /** Ends a sentence of either language. */
  public static final String END = "</s>";

  /** All of them; a token's index is its id. */
  public static final List<String> ALL = List.of(PAD, START, END);

  private TranslationTokens() {}
}

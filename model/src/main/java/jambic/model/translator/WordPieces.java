package jambic.model.translator;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Joins tokens to words, which blanks part. A token counts to the word of its first byte that is no
 * blank.
 *
 * @param words the words, in order
 * @param wordOf the word of each token, or {@link #NONE}
 */
record WordPieces(List<String> words, int[] wordOf) {
  /** The word of a token that leaves no text, or blanks only. */
  static final int NONE = -1;

  /**
   * Joins tokens.
   *
   * @param tokens the bytes of each, none for special ones
   * @return their words
   */
  static WordPieces of(List<byte[]> tokens) {
    List<String> words = new ArrayList<>();
    int[] wordOf = new int[tokens.size()];
    ByteArrayOutputStream open = new ByteArrayOutputStream();
    for (int i = 0; i < wordOf.length; i++) {
      wordOf[i] = NONE;
      for (byte b : tokens.get(i)) {
        if (isBlank(b)) {
          end(open, words);
        } else {
          open.write(b);
          if (wordOf[i] == NONE) {
            wordOf[i] = words.size();
          }
        }
      }
    }
    end(open, words);
    return new WordPieces(words, wordOf);
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b >= '\t' && b <= '\r';
  }

  private static void end(ByteArrayOutputStream open, List<String> words) {
    if (open.size() > 0) {
      words.add(open.toString(StandardCharsets.UTF_8));
      open.reset();
    }
  }
}

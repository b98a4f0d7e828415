package jambic.model.translator;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Joins tokens to words. Words are separated by white space; a token with bytes of two words
 * belongs to the first of them.
 *
 * @param words the words, in order
 * @param wordOf for each token the index of its word in {@code words}, or {@link #NONE}
 */
record WordPieces(List<String> words, int[] wordOf) {
  /** Stands in {@code wordOf} for a special token, or one of white space only. */
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

package jambic.serve.openai;

import java.util.List;

/** Token ids in a request. */
final class TokenIds {
  private TokenIds() {}

  /** The ids of an array, each below the size of a vocabulary. */
  static int[] of(List<?> given, String where, int vocabSize) {
    int[] ids = new int[given.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Fields.integer(where + "[" + i + "]", given.get(i), 0, vocabSize - 1);
    }
    return ids;
  }
}

package jambic.model.translator;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Cuts a text that is too long: at the last end of a sentence before the limit, else at a blank.
 */
final class TextCutter {
  private TextCutter() {}

  /**
   * Cuts a text.
   *
   * @param text the text, not blank
   * @param encode turns a text into ids
   * @param longest ids of a part at most
   * @return the ids of each part
   * @throws JambicException if a single character has more
   */
  static List<int[]> cut(String text, Function<String, int[]> encode, int longest) {
    int[] whole = encode.apply(text);
    if (whole.length <= longest) {
      return List.of(whole);
    }
    List<int[]> parts = new ArrayList<>();
    String rest = text.strip();
    while (!rest.isEmpty()) {
      int[] ids = encode.apply(rest);
      int end = rest.length();
      while (ids.length > longest) {
        end = shorter(rest, end, (int) ((long) end * longest / ids.length));
        if (end == 0) {
          throw new JambicException(
              Text.format(
                  "the model reads at most %d tokens, and one character of the text has more",
                  longest));
        }
        ids = encode.apply(rest.substring(0, end).strip());
      }
      parts.add(ids);
      rest = rest.substring(end).strip();
    }
    return parts;
  }

  /** Where to cut so that at most so many characters are left, and fewer than before. */
  private static int shorter(String text, int before, int wanted) {
    int limit = Math.max(Math.min(before - 1, wanted), 1);
    for (int at = limit; at > limit / 2; at--) {
      if (".!?;\u3002\uff01\uff1f\u2026".indexOf(text.charAt(at - 1)) >= 0
          && (at == text.length()
              || Character.isWhitespace(text.charAt(at))
              || text.charAt(at - 1) > 0x2fff)) {
        return at;
      }
    }
    for (int at = limit; at > limit / 2; at--) {
      if (Character.isWhitespace(text.charAt(at))) {
        return at;
      }
    }
    if (Character.isLowSurrogate(text.charAt(limit))) {
      limit--;
    }
    return before == 1 ? 0 : limit;
  }
}

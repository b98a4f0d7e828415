package jambic.train.metric;

import java.util.ArrayList;
import java.util.List;

/** White space as Python's {@code str.split}, {@code strip} and {@code isspace} have it. */
final class Whitespace {
  private static final char NEXT_LINE = '\u0085';

  private Whitespace() {}

  /** Java's own two questions each leave out some: no-break spaces, and control characters. */
  static boolean is(int codePoint) {
    return Character.isWhitespace(codePoint)
        || Character.isSpaceChar(codePoint)
        || codePoint == NEXT_LINE;
  }

  /** The parts between white space, none of them empty. */
  static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int begin = 0;
    for (int i = 0; i <= text.length(); i++) { // no white space is a surrogate pair
      if (i == text.length() || is(text.charAt(i))) {
        if (begin < i) {
          parts.add(text.substring(begin, i));
        }
        begin = i + 1;
      }
    }
    return parts;
  }

  /** The text without white space at its end. */
  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && is(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /** The text without white space at both ends. */
  static String strip(String text) {
    String rest = stripEnd(text);
    int begin = 0;
    while (begin < rest.length() && is(rest.charAt(begin))) {
      begin++;
    }
    return rest.substring(begin);
  }
}

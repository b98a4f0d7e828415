package jambic.model.text;

/**
 * Cuts a text into the pieces that GPT-2 encodes one by one, as its regular expression does:
 *
 * <pre>
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * </pre>
 *
 * <p>Written out, because {@code java.util.regex} takes several times as long as all the rest of
 * encoding.
 */
final class Gpt2PreTokenizer {
  /** Characters behind a piece that can still change where it ends: {@code '} and {@code l}. */
  static final int LOOK_AHEAD = 2;

  private static final byte OTHER = 0;
  private static final byte LETTER = 1;
  private static final byte NUMBER = 2;
  private static final byte SPACE = 3;

  private static final int ASCII = 128;
  private static final byte[] KINDS = new byte[ASCII];

  static {
    for (int c = 0; c < ASCII; c++) {
      KINDS[c] = look(c);
    }
  }

  private Gpt2PreTokenizer() {}

  /** The end of the piece that begins at an index, which is before the text's end. */
  static int end(String text, int begin) {
    char first = text.charAt(begin);
    if (first == '\'') {
      int contraction = contraction(text, begin + 1);
      return contraction > 0 ? begin + 1 + contraction : run(text, begin, OTHER);
    }
    if (first == ' ' && begin + 1 < text.length()) {
      byte kind = kind(text.codePointAt(begin + 1));
      return kind == SPACE ? spaces(text, begin) : run(text, begin + 1, kind);
    }
    byte kind = kind(text.codePointAt(begin));
    return kind == SPACE ? spaces(text, begin) : run(text, begin, kind);
  }

  /** The letters behind an apostrophe that make a piece with it. */
  private static int contraction(String text, int at) {
    char c = at < text.length() ? text.charAt(at) : 0;
    char next = at + 1 < text.length() ? text.charAt(at + 1) : 0;
    return switch (c) {
      case 's', 't', 'm', 'd' -> 1;
      case 'r', 'v' -> next == 'e' ? 2 : 0;
      case 'l' -> next == 'l' ? 2 : 0;
      default -> 0;
    };
  }

  /** The last of several spaces goes to the piece behind them. */
  private static int spaces(String text, int begin) {
    int end = begin + 1;
    while (end < text.length() && kind(text.charAt(end)) == SPACE) { // none is a surrogate pair
      end++;
    }
    return end < text.length() && end - begin > 1 ? end - 1 : end;
  }

  private static int run(String text, int begin, byte kind) {
    int i = begin;
    while (i < text.length()) {
      char c = text.charAt(i);
      if (c < ASCII) {
        if (KINDS[c] != kind) {
          return i;
        }
        i++;
      } else {
        int codePoint = text.codePointAt(i);
        if (look(codePoint) != kind) {
          return i;
        }
        i += Character.charCount(codePoint);
      }
    }
    return i;
  }

  /** Whether a character is white space in Unicode. */
  static boolean isSpace(int codePoint) {
    return kind(codePoint) == SPACE;
  }

  private static byte kind(int codePoint) {
    return codePoint < ASCII ? KINDS[codePoint] : look(codePoint);
  }

  private static byte look(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      case Character.CONTROL -> // the property White_Space has these six besides
          codePoint >= '\t' && codePoint <= '\r' || codePoint == '\u0085' ? SPACE : OTHER;
      default -> OTHER;
    };
  }
}

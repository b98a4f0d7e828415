package jambic.train.metric;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** How BLEU cuts a text into words: those ways of sacreBLEU that need no data of their own. */
public enum Tokenization {
  /** As WMT's {@code mteval-v13a.pl}: the default of sacreBLEU, for Western languages. */
  V13A("13a") {
    @Override
    String spaced(String text) {
      String line = " " + unescaped(text) + " ";
      line = PUNCTUATION.matcher(line).replaceAll(" $1 ");
      line = POINT_AFTER_OTHER.matcher(line).replaceAll("$1 $2 ");
      line = POINT_BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
      return DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    }
  },

  /** As {@code mteval-v14.pl}: at the punctuation and the symbols of all of Unicode. */
  INTERNATIONAL("intl") {
    @Override
    String spaced(String text) {
      String line = MARK_AFTER_OTHER.matcher(text).replaceAll("$1 $2 ");
      line = MARK_BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
      return SYMBOL.matcher(line).replaceAll(" $1 ");
    }
  },

  /** Every character is a word. */
  CHARACTERS("char") {
    @Override
    String spaced(String text) {
      return text.codePoints().mapToObj(Character::toString).collect(Collectors.joining(" "));
    }
  },

  /** Words are what stands between white space: the text was tokenized before. */
  NONE("none") {
    @Override
    String spaced(String text) {
      return text;
    }
  };

  private static final Pattern PUNCTUATION = Pattern.compile("([{-~\\[-` -\\&(-+:-@/])");
  private static final Pattern POINT_AFTER_OTHER = Pattern.compile("([^0-9])([.,])");
  private static final Pattern POINT_BEFORE_OTHER = Pattern.compile("([.,])([^0-9])");
  private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");

  private static final Pattern MARK_AFTER_OTHER = Pattern.compile("(\\P{N})(\\p{P})");
  private static final Pattern MARK_BEFORE_OTHER = Pattern.compile("(\\p{P})(\\P{N})");
  private static final Pattern SYMBOL = Pattern.compile("(\\p{S})");

  private final String signature;

  Tokenization(String signature) {
    this.signature = signature;
  }

  /** What sacreBLEU calls it. */
  String signature() {
    return signature;
  }

  /** Puts white space between words. */
  abstract String spaced(String text);

  /**
   * Cuts a text into words.
   *
   * @param text the text
   * @return its words
   */
  public List<String> words(String text) {
    return Whitespace.split(spaced(Whitespace.stripEnd(text)));
  }

  /** In this order, so that {@code &amp;lt;} becomes {@code <} as it does in sacreBLEU. */
  private static String unescaped(String text) {
    return text.replace("<skipped>", "")
        .replace("-\n", "")
        .replace("\n", " ")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
  }
}

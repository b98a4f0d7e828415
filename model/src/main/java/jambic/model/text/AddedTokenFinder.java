package jambic.model.text;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds added tokens in a text as it comes, exactly as the Rust library {@code tokenizers} does
 * ({@code AddedVocabulary::find_matches}): from left to right, the longest of several first.
 */
final class AddedTokenFinder implements TextPieces {
  private final Map<String, AddedToken> tokens = new HashMap<>();
  private final boolean special;
  private final TextPieces next;
  private final Pattern pattern;
  private final int longest;

  private String buffer = ""; // from a little before what is not yet handed on
  private int begin; // where that begins
  private int searched; // where the search goes on

  /**
   * Makes a finder at the start of a text.
   *
   * @param tokens what to look for, at least one
   * @param special whether special tokens count; else they are text
   * @param next hears of what is found
   */
  AddedTokenFinder(List<AddedToken> tokens, boolean special, TextPieces next) {
    tokens.forEach(token -> this.tokens.put(token.content(), token));
    this.special = special;
    this.next = next;
    longest = tokens.stream().mapToInt(token -> token.content().length()).max().orElseThrow();
    pattern =
        Pattern.compile(
            tokens.stream()
                .map(AddedToken::content)
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|")));
  }

  @Override
  public void text(String part) {
    buffer += part;
    handOn(false);
  }

  @Override
  public void token(int id) {
    finish();
    next.token(id);
  }

  @Override
  public void end() {
    finish();
    next.end();
  }

  private void finish() {
    handOn(true);
    buffer = "";
    begin = 0;
    searched = 0;
  }

  /** Hands on what no later part of the text can change. */
  private void handOn(boolean last) {
    int length = buffer.length();
    // A match that begins before is whole, and so is the character behind it.
    int certain = last ? length : Math.max(searched, length - longest - 2);
    int free = certain;
    for (Matcher found = pattern.matcher(buffer);
        searched <= length && found.find(searched) && (last || found.start() < certain); ) {
      AddedToken token = tokens.get(found.group());
      if (token.special() && !special || token.singleWord() && touchesWord(found)) {
        searched = found.end();
        continue;
      }
      int start = token.lstrip() ? Math.max(begin, spaceBefore(found.start())) : found.start();
      int stop = token.rstrip() ? spaceBehind(found.end()) : found.end();
      if (!last && token.rstrip() && stop == length) {
        free = start; // more space may follow
        break;
      }
      if (begin < start) {
        next.text(buffer.substring(begin, start));
      }
      next.token(token.id());
      begin = stop;
      searched = found.end();
    }
    if (!last) {
      free = spaceBefore(free); // which the next token may take
      if (free > 0 && Character.isHighSurrogate(buffer.charAt(free - 1))) {
        free--;
      }
    }
    if (begin < free) {
      next.text(buffer.substring(begin, free));
      begin = free;
    }
    // A character of context stays, for tokens that are single words.
    int drop = Math.max(0, Math.min(begin, searched) - 2);
    buffer = buffer.substring(drop);
    begin -= drop;
    searched -= drop;
  }

  private boolean touchesWord(Matcher found) {
    return found.start() > 0 && isWord(buffer.codePointBefore(found.start()))
        || found.end() < buffer.length() && isWord(buffer.codePointAt(found.end()));
  }

  /** Whether the regular expressions of Rust count a character as {@code \w}. */
  private static boolean isWord(int c) {
    return Character.isAlphabetic(c)
        || c == '\u200C'
        || c == '\u200D'
        || switch (Character.getType(c)) {
          case Character.NON_SPACING_MARK,
              Character.ENCLOSING_MARK,
              Character.COMBINING_SPACING_MARK,
              Character.DECIMAL_DIGIT_NUMBER,
              Character.CONNECTOR_PUNCTUATION ->
              true;
          default -> false;
        };
  }

  private int spaceBefore(int index) {
    int i = index;
    while (i > 0 && Gpt2PreTokenizer.isSpace(buffer.charAt(i - 1))) { // none is a surrogate pair
      i--;
    }
    return i;
  }

  private int spaceBehind(int index) {
    int i = index;
    while (i < buffer.length() && Gpt2PreTokenizer.isSpace(buffer.charAt(i))) {
      i++;
    }
    return i;
  }
}

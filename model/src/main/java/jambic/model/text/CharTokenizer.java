package jambic.model.text;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One token for each Unicode code point of a text, numbered in the order of the code points;
 * special tokens, if there are any, follow them.
 */
public final class CharTokenizer implements Tokenizer {
  private static final int PAGE_BITS = 8;
  private static final int PAGE_MASK = (1 << PAGE_BITS) - 1;
  private static final int UNKNOWN = -1;

  private final int[] codePoints; // by id
  private final int[][] pages; // ids by code point: pages[c >> 8][c & 255]
  private final List<AddedToken> special; // by id, from that behind the last character
  private final TokenizerSettings settings; // only to write them back

  /** Takes over the array, which holds each code point once. */
  CharTokenizer(int[] codePoints) {
    this(codePoints, List.of(), TokenizerSettings.NONE);
  }

  /** Takes over the array, which holds each code point once. */
  CharTokenizer(int[] codePoints, List<AddedToken> special, TokenizerSettings settings) {
    this.codePoints = codePoints;
    this.special = special.stream().sorted(Comparator.comparingInt(AddedToken::id)).toList();
    this.settings = settings;
    int[] nothing = new int[PAGE_MASK + 1];
    Arrays.fill(nothing, UNKNOWN);
    this.pages = new int[(Character.MAX_CODE_POINT >> PAGE_BITS) + 1][];
    Arrays.fill(pages, nothing);
    for (int id = 0; id < codePoints.length; id++) {
      int page = codePoints[id] >> PAGE_BITS;
      if (pages[page] == nothing) {
        pages[page] = nothing.clone();
      }
      pages[page][codePoints[id] & PAGE_MASK] = id;
    }
  }

  /**
   * The tokenizer of the characters that occur in a text.
   *
   * @param text the text
   * @return a tokenizer that can encode it
   * @throws JambicException if the text is empty or has half of a surrogate pair
   */
  public static CharTokenizer of(String text) {
    if (text.isEmpty()) {
      throw new JambicException("an empty text has no characters to make a vocabulary of");
    }
    BitSet seen = new BitSet();
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (Character.getType(c) == Character.SURROGATE) {
        throw new JambicException(
            describe(text, i) + " is half of a surrogate pair; the text is not valid Unicode");
      }
      seen.set(c);
      i += Character.charCount(c);
    }
    return of(seen);
  }

  /**
   * The tokenizer of given characters.
   *
   * @param codePoints the Unicode code points, at least one
   * @return a tokenizer that can encode them
   */
  public static CharTokenizer of(BitSet codePoints) {
    return new CharTokenizer(codePoints.stream().toArray());
  }

  @Override
  public int[] encode(String text) {
    int length = text.length();
    int[] ids = new int[text.codePointCount(0, length)];
    int count = 0;
    for (int i = 0; i < length; i++) {
      int c = text.charAt(i);
      if (Character.isHighSurrogate((char) c)) {
        c = text.codePointAt(i);
      }
      int id = pages[c >> PAGE_BITS][c & PAGE_MASK];
      if (id == UNKNOWN) {
        throw new JambicException(
            Text.format(
                "%s is not among the %d characters of the vocabulary",
                describe(text, i), codePoints.length));
      }
      ids[count++] = id;
      i += Character.charCount(c) - 1;
    }
    return ids;
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    if (special.isEmpty()) {
      return encode(text);
    }
    IntStream.Builder ids = IntStream.builder();
    TextPieces found =
        new TextPieces() {
          @Override
          public void text(String part) {
            for (int id : encode(part)) {
              ids.add(id);
            }
          }

          @Override
          public void token(int id) {
            ids.add(id);
          }

          @Override
          public void end() {}
        };
    AddedTokenFinder finder = new AddedTokenFinder(special, true, found);
    finder.text(text);
    finder.end();
    return ids.build().toArray();
  }

  @Override
  public TokenEncoder encoder() {
    return new TokenEncoder() {
      private String open = ""; // the first half of a surrogate pair

      @Override
      public int[] next(String text) {
        String all = open + text;
        int last = all.length() - 1;
        int whole = last >= 0 && Character.isHighSurrogate(all.charAt(last)) ? last : last + 1;
        open = all.substring(whole);
        return encode(all.substring(0, whole));
      }

      @Override
      public int[] end() {
        int[] ids = encode(open);
        open = "";
        return ids;
      }
    };
  }

  @Override
  public String decode(int... ids) {
    StringBuilder text = new StringBuilder(ids.length);
    for (int id : ids) {
      text.append(token(id));
    }
    return text.toString();
  }

  @Override
  public TokenDecoder decoder() {
    return new TokenDecoder() {
      @Override
      public String next(int id) {
        return token(id);
      }

      @Override
      public String end() {
        return "";
      }
    };
  }

  @Override
  public int vocabSize() {
    return codePoints.length + special.size();
  }

  @Override
  public Map<String, Integer> specialTokens() {
    Map<String, Integer> ids = new HashMap<>();
    special.forEach(token -> ids.put(token.content(), token.id()));
    return Map.copyOf(ids);
  }

  @Override
  public Tokenizer withSpecialTokens(List<String> texts) {
    for (String text : texts) {
      if (text.codePointCount(0, text.length()) == 1) {
        throw new JambicException(
            Text.format(
                "a single character, %s, cannot be a special token of a character tokenizer; give it a longer text",
                ErrorText.quote(text)));
      }
    }
    List<AddedToken> all = AddedTokens.with(texts, special, Map.of(), vocabSize());
    return new CharTokenizer(codePoints, all, settings.with(texts));
  }

  @Override
  public void save(Path folder) {
    TokenizerFile.write(folder, codePoints, special, settings);
  }

  /** Two are equal if they have the same characters and special tokens. */
  @Override
  public boolean equals(Object other) {
    return other instanceof CharTokenizer that
        && Arrays.equals(codePoints, that.codePoints)
        && specialTokens().equals(that.specialTokens());
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(codePoints);
  }

  private String token(int id) {
    if (id < 0 || id >= vocabSize()) {
      throw new JambicException(
          Text.format(
              "token id %d is outside the vocabulary, which ends at %d", id, vocabSize() - 1));
    }
    return id < codePoints.length
        ? Character.toString(codePoints[id])
        : special.get(id - codePoints.length).content();
  }

  /** The character at an index by its looks, number and name, and its place for a person. */
  private static String describe(String text, int index) {
    int c = text.codePointAt(index);
    int lineBegin = text.lastIndexOf('\n', index - 1) + 1;
    long line = 1 + text.substring(0, lineBegin).chars().filter(ch -> ch == '\n').count();
    String name = Character.getName(c);
    return Text.format(
        "the character %s(U+%04X%s) at index %d (line %d, column %d)",
        ErrorText.isPrintable(c) ? "'" + Character.toString(c) + "' " : "",
        c,
        name == null ? "" : " " + name,
        text.codePointCount(0, index),
        line,
        1 + text.codePointCount(lineBegin, index));
  }
}

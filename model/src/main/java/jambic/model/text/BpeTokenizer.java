package jambic.model.text;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * GPT-2's byte-level byte-pair encoding (Radford et al., "Language Models are Unsupervised
 * Multitask Learners", 2019; OpenAI's {@code encoder.py}): the text is cut into words, each word
 * starts as its UTF-8 bytes, and pairs of tokens are merged by rank. Every text has ids, and its
 * ids give every byte of it back; half of a surrogate pair, which has no UTF-8, counts as U+FFFD.
 *
 * <p>Not the library jtokkit, because it takes a token's id for its merge's rank, so that it cannot
 * hold every checkpoint's merges, has no module descriptor, and is slower.
 */
public final class BpeTokenizer implements Tokenizer {
  private static final int CACHE_SLOTS = 1 << 16;
  private static final int LONGEST_CACHED = 48;
  private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);

  private final byte[][] tokens; // by id
  private final int[] byteIds; // by byte, -1 where the vocabulary lacks it
  private final BpeMerges merges;
  private final List<AddedToken> added;
  private final BpeOptions options;
  private final TokenizerSettings settings; // only to write them back
  private final Map<String, Integer>
      words; // by a character a byte; empty unless merges are ignored

  // A word's ids, at its hash. Threads may overwrite each other's entries, which are immutable.
  private final Word[] cache = new Word[CACHE_SLOTS];

  private record Word(String text, int[] ids) {}

  /**
   * Takes over the array.
   *
   * @param tokens by id: the bytes of each token
   * @param merges the merges, in order
   * @param added the tokens that are found before a text is cut into words
   * @param options how this differs from GPT-2's tokenizer
   * @param settings what stood beside it in a folder
   */
  BpeTokenizer(
      byte[][] tokens,
      List<BpeMerges.Merge> merges,
      List<AddedToken> added,
      BpeOptions options,
      TokenizerSettings settings) {
    this.tokens = tokens;
    this.merges = new BpeMerges(merges);
    this.added = List.copyOf(added);
    this.options = options;
    this.settings = settings;
    words = options.ignoreMerges() ? words() : Map.of();
    byteIds = new int[256];
    Arrays.fill(byteIds, -1);
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id].length == 1 && byteIds[tokens[id][0] & 0xFF] < 0) {
        byteIds[tokens[id][0] & 0xFF] = id;
      }
    }
  }

  /**
   * GPT-2's own tokenizer: 50,257 tokens, the last of them {@code <|endoftext|>}.
   *
   * @return a new tokenizer
   */
  public static BpeTokenizer gpt2() {
    return BpeFiles.gpt2();
  }

  /** The tokens that merges would make, which an added token hides only from the search. */
  private Map<String, Integer> words() {
    Set<Integer> beyond = new HashSet<>();
    added.forEach(token -> beyond.add(token.id()));
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.length; id++) {
      if (!beyond.contains(id)) {
        ids.put(new String(tokens[id], StandardCharsets.ISO_8859_1), id);
      }
    }
    return ids;
  }

  @Override
  public int[] encode(String text) {
    return encode(text, false);
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    return encode(text, true);
  }

  private int[] encode(String text, boolean special) {
    Words words = new Words(text.length() / 3);
    TextPieces pieces = pieces(words, special);
    pieces.text(text);
    pieces.end();
    return words.take();
  }

  /** Finds added tokens: first those that are looked for in the text as it is, then the others. */
  private TextPieces pieces(Words words, boolean special) {
    return finder(false, special, finder(true, special, words));
  }

  private TextPieces finder(boolean normalized, boolean special, TextPieces next) {
    List<AddedToken> tokens =
        added.stream().filter(token -> token.normalized() == normalized).toList();
    boolean any = tokens.stream().anyMatch(token -> special || !token.special());
    return any ? new AddedTokenFinder(tokens, special, next) : next;
  }

  @Override
  public TokenEncoder encoder() {
    Words words = new Words(0);
    TextPieces pieces = pieces(words, false);
    return new TokenEncoder() {
      @Override
      public int[] next(String text) {
        pieces.text(text);
        return words.take();
      }

      @Override
      public int[] end() {
        pieces.end();
        return words.take();
      }
    };
  }

  @Override
  public int[] promptBegin() {
    return toArray(options.template().before());
  }

  @Override
  public int[] promptEnd() {
    return toArray(options.template().after());
  }

  private static int[] toArray(List<Integer> ids) {
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Cuts texts into words and merges the bytes of each. */
  private final class Words implements TextPieces {
    private Ids ids;
    private String open = "";
    private boolean fresh = true; // nothing of the text has come

    Words(int capacity) {
      ids = new Ids(capacity);
    }

    @Override
    public void text(String part) {
      String all = open.isEmpty() ? part : open + part;
      if (fresh && !all.isEmpty()) {
        fresh = false;
        if (options.addPrefixSpace() && !all.startsWith(" ")) {
          all = " " + all;
        }
      }
      open = all.substring(encode(all, 0, all.length() - Gpt2PreTokenizer.LOOK_AHEAD, ids));
    }

    @Override
    public void token(int id) {
      end();
      ids.add(id);
    }

    @Override
    public void end() {
      encode(open, 0, open.length(), ids);
      open = "";
      fresh = true;
    }

    int[] take() {
      int[] taken = ids.toArray();
      ids = new Ids(taken.length);
      return taken;
    }
  }

  /** Encodes the pieces from an index on that end no later than another, where it returns. */
  private int encode(String text, int from, int to, Ids ids) {
    int begin = from;
    while (begin < to) {
      int end = Gpt2PreTokenizer.end(text, begin);
      if (end > to) {
        break;
      }
      ids.add(idsOf(text, begin, end));
      begin = end;
    }
    return begin;
  }

  private int[] idsOf(String text, int begin, int end) {
    if (end - begin > LONGEST_CACHED) {
      return merge(text, begin, end);
    }
    int hash = 0;
    for (int i = begin; i < end; i++) {
      hash = 31 * hash + text.charAt(i);
    }
    int slot = (hash ^ hash >>> 16) & CACHE_SLOTS - 1;
    Word word = cache[slot];
    if (word == null || word.text.length() != end - begin || !text.startsWith(word.text, begin)) {
      word = new Word(text.substring(begin, end), merge(text, begin, end));
      cache[slot] = word;
    }
    return word.ids;
  }

  private int[] merge(String text, int begin, int end) {
    int[] ids = new int[3 * (end - begin)]; // no char has more bytes
    int count = 0;
    for (int i = begin; i < end; ) {
      int c = text.codePointAt(i);
      byte[] encoded =
          Character.getType(c) == Character.SURROGATE
              ? REPLACEMENT
              : Character.toString(c).getBytes(StandardCharsets.UTF_8);
      for (byte b : encoded) {
        ids[count] = byteIds[b & 0xFF];
        if (ids[count++] < 0) {
          throw new JambicException(
              Text.format(
                  "the vocabulary lacks the byte 0x%02x, which the character U+%04X needs", b, c));
        }
      }
      i += Character.charCount(c);
    }
    if (options.ignoreMerges()) {
      byte[] bytes = decodeBytes(Arrays.copyOf(ids, count));
      Integer word = words.get(new String(bytes, StandardCharsets.ISO_8859_1));
      if (word != null) {
        return new int[] {word};
      }
    }
    return merges.apply(Arrays.copyOf(ids, count));
  }

  @Override
  public String decode(int... ids) {
    return new String(decodeBytes(ids), StandardCharsets.UTF_8);
  }

  @Override
  public byte[] decodeBytes(int... ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * ids.length);
    for (int id : ids) {
      bytes.writeBytes(token(id));
    }
    return bytes.toByteArray();
  }

  @Override
  public TokenDecoder decoder() {
    CharsetDecoder utf8 =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    return new TokenDecoder() {
      private byte[] open = new byte[0]; // the beginning of a character

      @Override
      public String next(int id) {
        return decode(token(id), false);
      }

      @Override
      public String end() {
        return decode(new byte[0], true);
      }

      private String decode(byte[] more, boolean last) {
        ByteBuffer in = ByteBuffer.allocate(open.length + more.length).put(open).put(more).flip();
        CharBuffer out = CharBuffer.allocate(in.remaining());
        utf8.decode(in, out, last);
        open = new byte[in.remaining()];
        in.get(open);
        return out.flip().toString();
      }
    };
  }

  private byte[] token(int id) {
    if (id < 0 || id >= tokens.length) {
      throw new JambicException(
          Text.format(
              "token id %d is outside the vocabulary, which ends at %d", id, tokens.length - 1));
    }
    return tokens[id];
  }

  @Override
  public int vocabSize() {
    return tokens.length;
  }

  @Override
  public Map<String, Integer> specialTokens() {
    Map<String, Integer> ids = new HashMap<>();
    added.forEach(token -> ids.put(token.content(), token.id()));
    return Map.copyOf(ids);
  }

  @Override
  public Tokenizer withSpecialTokens(List<String> texts) {
    ByteEncoding alphabet = new ByteEncoding();
    Map<String, Integer> ordinary = new HashMap<>(); // as they stand in a file
    for (int id = 0; id < tokens.length; id++) {
      ordinary.put(alphabet.text(tokens[id]), id);
    }
    List<AddedToken> all = AddedTokens.with(texts, added, ordinary, tokens.length);
    List<byte[]> longer = new ArrayList<>(List.of(tokens));
    all.stream()
        .filter(token -> token.id() >= tokens.length)
        .forEach(token -> longer.add(token.content().getBytes(StandardCharsets.UTF_8)));
    return new BpeTokenizer(
        longer.toArray(byte[][]::new), merges.inOrder(), all, options, settings.with(texts));
  }

  @Override
  public void save(Path folder) {
    BpeFiles.write(folder, tokens, merges.inOrder(), added, options, settings);
  }

  /** Two are equal if they have the same tokens and merges, and find added tokens alike. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BpeTokenizer that
        && Arrays.deepEquals(tokens, that.tokens)
        && merges.inOrder().equals(that.merges.inOrder())
        && options.equals(that.options)
        && added.size() == that.added.size()
        && added.stream().allMatch(token -> that.added.stream().anyMatch(token::sameIds));
  }

  @Override
  public int hashCode() {
    return Arrays.deepHashCode(tokens);
  }

  /** A growing array of ids. */
  private static final class Ids {
    private int[] ids;
    private int count;

    Ids(int capacity) {
      ids = new int[Math.max(16, capacity)];
    }

    void add(int... more) {
      if (ids.length - count < more.length) {
        ids = Arrays.copyOf(ids, Math.max(count + more.length, ids.length + (ids.length >> 1)));
      }
      for (int id : more) { // mostly one or two, for which a call would take longer
        ids[count++] = id;
      }
    }

    int[] toArray() {
      return Arrays.copyOf(ids, count);
    }
  }
}

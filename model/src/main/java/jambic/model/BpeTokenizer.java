package jambic.model;

import jambic.tensor.JambicException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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
  private final Map<String, Integer> specialTokens; // the longest first
  private final Set<String> plain; // of these, those that are special to nobody else

  // A word's ids, at its hash. Threads may overwrite each other's entries, which are immutable.
  private final Word[] cache = new Word[CACHE_SLOTS];

  private record Word(String text, int[] ids) {}

  /**
   * Takes over the array.
   *
   * @param tokens by id: the bytes of each token
   * @param merges the merges, in order
   * @param specialTokens the ids of the texts that are single tokens on request
   * @param plain those of them that other programs do not leave out of a text, as they do special
   *     ones
   */
  BpeTokenizer(
      byte[][] tokens,
      List<BpeMerges.Merge> merges,
      Map<String, Integer> specialTokens,
      Set<String> plain) {
    this.tokens = tokens;
    this.plain = Set.copyOf(plain);
    this.merges = new BpeMerges(merges);
    this.specialTokens = new LinkedHashMap<>();
    specialTokens.entrySet().stream()
        .sorted(Comparator.comparingInt(special -> -special.getKey().length()))
        .forEach(special -> this.specialTokens.put(special.getKey(), special.getValue()));
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
   * @return the tokenizer, made anew
   */
  public static BpeTokenizer gpt2() {
    return BpeFiles.gpt2();
  }

  @Override
  public int[] encode(String text) {
    Ids ids = new Ids(text.length() / 3);
    encode(text, 0, text.length(), ids);
    return ids.toArray();
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    Ids ids = new Ids(text.length() / 3);
    int done = 0;
    for (Matcher found = specialPattern().matcher(text); found.find(); done = found.end()) {
      // The text between two special tokens is a text of its own.
      for (int id : encode(text.substring(done, found.start()))) {
        ids.add(id);
      }
      ids.add(specialTokens.get(found.group()));
    }
    for (int id : encode(text.substring(done))) {
      ids.add(id);
    }
    return ids.toArray();
  }

  private Pattern specialPattern() {
    return specialTokens.isEmpty()
        ? Pattern.compile("(?!)") // matches nowhere
        : Pattern.compile(
            String.join("|", specialTokens.keySet().stream().map(Pattern::quote).toList()));
  }

  @Override
  public TokenEncoder encoder() {
    return new TokenEncoder() {
      private String open = "";

      @Override
      public int[] next(String text) {
        String all = open + text;
        Ids ids = new Ids(all.length() / 3);
        int done = encode(all, 0, all.length() - Gpt2Pieces.LOOK_AHEAD, ids);
        open = all.substring(done);
        return ids.toArray();
      }

      @Override
      public int[] end() {
        int[] ids = encode(open);
        open = "";
        return ids;
      }
    };
  }

  /** Encodes the pieces from an index on that end no later than another, where it returns. */
  private int encode(String text, int from, int to, Ids ids) {
    int begin = from;
    while (begin < to) {
      int end = Gpt2Pieces.end(text, begin);
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
              "the vocabulary lacks the byte 0x%02x, which the character U+%04X needs"
                  .formatted(b, c));
        }
      }
      i += Character.charCount(c);
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
          "token id %d is outside the vocabulary, which ends at %d"
              .formatted(id, tokens.length - 1));
    }
    return tokens[id];
  }

  @Override
  public int vocabSize() {
    return tokens.length;
  }

  @Override
  public Map<String, Integer> specialTokens() {
    return Map.copyOf(specialTokens);
  }

  @Override
  public void save(Path folder) {
    BpeFiles.write(folder, tokens, merges.inOrder(), specialTokens, plain);
  }

  /** Two are equal if they have the same tokens, merges and special tokens. */
  @Override
  public boolean equals(Object other) {
    return other instanceof BpeTokenizer that
        && Arrays.deepEquals(tokens, that.tokens)
        && merges.inOrder().equals(that.merges.inOrder())
        && specialTokens.equals(that.specialTokens);
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

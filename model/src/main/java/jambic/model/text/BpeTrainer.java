package jambic.model.text;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;

/**
 * Learns a byte-pair vocabulary from texts: again and again the pair of neighboring tokens that
 * occurs most often within words becomes a token (Sennrich et al., "Neural Machine Translation of
 * Rare Words with Subword Units", 2016). Of pairs that occur equally often the one with the smaller
 * ids wins, so that the same texts give the same vocabulary, which is also that of Hugging Face's
 * {@code ByteLevelBPETokenizer}.
 */
public final class BpeTrainer {
  /** The least vocabulary: every byte and the end of a text. */
  public static final int LEAST_VOCAB_SIZE = 257;

  private static final int LEAST_COUNT = 2; // a pair that occurs once would be learned by heart

  private final Map<String, Long> counts = new TreeMap<>(); // of words; ordered, to be the same
  private String open = "";

  /** A trainer that has seen no text. */
  public BpeTrainer() {}

  /**
   * Takes the next part of a text.
   *
   * @param text any part, perhaps one that ends amid a word
   */
  public void add(String text) {
    String all = open + text;
    open = all.substring(count(all, all.length() - Gpt2PreTokenizer.LOOK_AHEAD));
  }

  /** Ends a text: no word goes on in what is added next. */
  public void endText() {
    count(open, open.length());
    open = "";
  }

  private int count(String text, int to) {
    int begin = 0;
    while (begin < to) {
      int end = Gpt2PreTokenizer.end(text, begin);
      if (end > to) {
        break;
      }
      counts.merge(text.substring(begin, end), 1L, Long::sum);
      begin = end;
    }
    return begin;
  }

  /**
   * Learns from all that was added.
   *
   * @param vocabSize tokens, the 256 bytes and {@code <|endoftext|>} among them
   * @return a tokenizer of that many tokens, or of fewer if no pair is left that occurs twice
   * @throws JambicException if {@code vocabSize} is below {@link #LEAST_VOCAB_SIZE}
   */
  public BpeTokenizer train(int vocabSize) {
    if (vocabSize < LEAST_VOCAB_SIZE) {
      throw new JambicException(
          Text.format(
              "a byte-pair vocabulary has at least %d tokens (the bytes and the end of a text), not %d",
              LEAST_VOCAB_SIZE, vocabSize));
    }
    endText();
    List<byte[]> tokens = new ArrayList<>();
    int[] byteIds = new int[256];
    ByteEncoding alphabet = new ByteEncoding();
    for (String character : alphabet.inOrder()) {
      byte[] token = alphabet.bytes(character);
      byteIds[token[0] & 0xFF] = tokens.size();
      tokens.add(token);
    }
    List<BpeMerges.Merge> merges = new ArrayList<>();
    Pairs pairs = new Pairs(words(byteIds));
    while (tokens.size() + 1 < vocabSize) {
      Pair best = pairs.poll();
      if (best == null || best.count < LEAST_COUNT) {
        break;
      }
      int merged = tokens.size();
      byte[] left = tokens.get(best.left);
      byte[] right = tokens.get(best.right);
      byte[] both = Arrays.copyOf(left, left.length + right.length);
      System.arraycopy(right, 0, both, left.length, right.length);
      tokens.add(both);
      merges.add(new BpeMerges.Merge(best.left, best.right, merged));
      pairs.merge(best, merged);
    }
    int end = tokens.size();
    tokens.add(BpeFiles.END_OF_TEXT.getBytes(StandardCharsets.UTF_8));
    return new BpeTokenizer(
        tokens.toArray(byte[][]::new),
        merges,
        List.of(BpeFiles.endOfText(end)),
        BpeOptions.GPT2,
        TokenizerSettings.NONE);
  }

  private List<Word> words(int[] byteIds) {
    List<Word> words = new ArrayList<>();
    counts.forEach((text, count) -> {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      int[] ids = new int[bytes.length];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = byteIds[bytes[i] & 0xFF];
      }
      words.add(new Word(ids, count));
    });
    return words;
  }

  /** A word as the tokens it has so far. */
  private static final class Word {
    private int[] ids;
    private final long count;

    Word(int[] ids, long count) {
      this.ids = ids;
      this.count = count;
    }

    void replace(int left, int right, int merged) {
      int length = 0;
      for (int i = 0; i < ids.length; i++) {
        boolean pair = i + 1 < ids.length && ids[i] == left && ids[i + 1] == right;
        ids[length++] = pair ? merged : ids[i];
        i += pair ? 1 : 0;
      }
      ids = Arrays.copyOf(ids, length);
    }
  }

  /** Two tokens side by side, how often they occur, and in which words they once did. */
  private static final class Pair {
    private final int left;
    private final int right;
    private final List<Word> words = new ArrayList<>();
    private long count;
    private long queued; // the count under which it waits in the queue, 0 if it does not

    Pair(int left, int right) {
      this.left = left;
      this.right = right;
    }
  }

  /** A pair's place in the queue. */
  private record Entry(long count, Pair pair) {}

  private static final class Pairs {
    private final Map<Long, Pair> byIds = new HashMap<>();
    private final PriorityQueue<Entry> queue =
        new PriorityQueue<>(
            Comparator.comparingLong((Entry entry) -> -entry.count)
                .thenComparingInt(entry -> entry.pair.left)
                .thenComparingInt(entry -> entry.pair.right));

    Pairs(List<Word> words) {
      words.forEach(this::add);
      byIds.values().forEach(this::enqueue);
    }

    private List<Pair> add(Word word) {
      List<Pair> found = new ArrayList<>();
      for (int i = 0; i + 1 < word.ids.length; i++) {
        Pair pair = pair(word.ids[i], word.ids[i + 1]);
        pair.count += word.count;
        if (pair.words.isEmpty() || pair.words.getLast() != word) {
          pair.words.add(word);
        }
        found.add(pair);
      }
      return found;
    }

    private Pair pair(int left, int right) {
      return byIds.computeIfAbsent((long) left << 32 | right, ids -> new Pair(left, right));
    }

    /** An increase gets a new entry; a decrease is seen when the old one comes up. */
    private void enqueue(Pair pair) {
      if (pair.count > pair.queued) {
        queue.add(new Entry(pair.count, pair));
        pair.queued = pair.count;
      }
    }

    /** Takes the most frequent pair; null if there is none. */
    Pair poll() {
      while (!queue.isEmpty()) {
        Entry entry = queue.poll();
        Pair pair = entry.pair;
        if (entry.count == pair.queued) {
          pair.queued = 0;
          if (entry.count == pair.count) {
            return pair;
          }
          enqueue(pair);
        }
      }
      return null;
    }

    /** Replaces a pair by its token in all words. */
    void merge(Pair merged, int id) {
      for (Word word : List.copyOf(merged.words)) {
        for (int i = 0; i + 1 < word.ids.length; i++) {
          pair(word.ids[i], word.ids[i + 1]).count -= word.count;
        }
        word.replace(merged.left, merged.right, id);
        add(word).forEach(this::enqueue);
      }
      merged.words.clear();
    }
  }
}

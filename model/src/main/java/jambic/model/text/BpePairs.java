package jambic.model.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * The pairs of neighboring tokens in a list of words, and how often each occurs.
 *
 * <p>A pair is new only in the merge that makes one of its tokens, so it finds all of its words
 * then; later merges take words away from it, which its list need not know.
 */
final class BpePairs {
  /** A word as the tokens it has so far. */
  static final class Word {
    private final int[] ids;
    private final long count;
    private int length;

    /** A word that occurs that often. */
    Word(int[] ids, long count) {
      this.ids = ids;
      this.count = count;
      this.length = ids.length;
    }
  }

  /** Two tokens side by side. */
  static final class Pair {
    private final int left;
    private final int right;
    private Word[] words = new Word[2];
    private int size;
    private long count;

    private Pair(int left, int right) {
      this.left = left;
      this.right = right;
    }

    int left() {
      return left;
    }

    int right() {
      return right;
    }

    /** Words come one after the other, so one that is there already is the last. */
    private void add(Word word) {
      count += word.count;
      if (size > 0 && words[size - 1] == word) {
        return;
      }
      if (size == words.length) {
        words = Arrays.copyOf(words, 2 * size);
      }
      words[size++] = word;
    }
  }

  /** A pair's place in the queue; its count may have fallen since. */
  private record Entry(long count, Pair pair) {}

  private final Map<Long, Pair> pairs = new HashMap<>();
  private final PriorityQueue<Entry> queue =
      new PriorityQueue<>(
          Comparator.comparingLong((Entry entry) -> -entry.count)
              .thenComparingInt(entry -> entry.pair.left)
              .thenComparingInt(entry -> entry.pair.right));

  /** Counts the pairs of words. */
  BpePairs(List<Word> words) {
    for (Word word : words) {
      for (int i = 0; i + 1 < word.length; i++) {
        pair(word.ids[i], word.ids[i + 1]).add(word);
      }
    }
    pairs.values().forEach(this::enqueue);
  }

  private Pair pair(int left, int right) {
    return pairs.computeIfAbsent((long) left << 32 | right, ids -> new Pair(left, right));
  }

  private void enqueue(Pair pair) {
    queue.add(new Entry(pair.count, pair));
  }

  /** Takes the pair that occurs most often, of several that with the smallest ids. */
  Optional<Pair> mostFrequent(int least) {
    while (!queue.isEmpty()) {
      Entry entry = queue.poll();
      if (entry.pair.count < least) {
        forget(entry.pair); // counts only fall
      } else if (entry.count == entry.pair.count) {
        return Optional.of(entry.pair);
      } else {
        enqueue(entry.pair);
      }
    }
    return Optional.empty();
  }

  /** Replaces a pair by its token in all words. */
  void merge(Pair merged, int id) {
    List<Pair> fresh = new ArrayList<>();
    for (int i = 0; i < merged.size; i++) {
      replace(merged.words[i], merged, id, fresh);
    }
    forget(merged);
    fresh.forEach(this::enqueue);
  }

  private void forget(Pair pair) {
    pair.words = new Word[0];
    pair.size = 0;
  }

  private void replace(Word word, Pair merged, int id, List<Pair> fresh) {
    int[] ids = word.ids;
    int length = 0;
    for (int i = 0; i < word.length; i++) {
      if (i + 1 == word.length || ids[i] != merged.left || ids[i + 1] != merged.right) {
        ids[length++] = ids[i];
        continue;
      }
      if (length > 0) {
        pair(ids[length - 1], merged.left).count -= word.count;
        add(ids[length - 1], id, word, fresh);
      }
      if (i + 2 < word.length) {
        pair(merged.right, ids[i + 2]).count -= word.count;
        add(id, ids[i + 2], word, fresh);
      }
      ids[length++] = id;
      i++;
    }
    word.length = length;
  }

  private void add(int left, int right, Word word, List<Pair> fresh) {
    Pair pair = pair(left, right);
    if (pair.size == 0) {
      fresh.add(pair);
    }
    pair.add(word);
  }
}

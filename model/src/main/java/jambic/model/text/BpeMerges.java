package jambic.model.text;

import java.util.Arrays;
import java.util.List;

/**
 * The pairs of tokens that byte-pair encoding replaces by one, the most urgent first. A hash table
 * with linear probing from the pair to its rank.
 */
final class BpeMerges {
  /**
   * One replacement.
   *
   * @param left the first token's id
   * @param right the second token's id
   * @param merged the id of the token that they become
   */
  record Merge(int left, int right, int merged) {}

  private static final int NONE = Integer.MAX_VALUE;

  private final List<Merge> merges;
  private final int[] merged; // by rank
  private final long[] pairs; // by slot
  private final int[] ranks; // by slot, NONE where it is free
  private final int mask;

  /** Pairs that are listed twice keep their first rank. */
  BpeMerges(List<Merge> merges) {
    this.merges = List.copyOf(merges);
    merged = new int[merges.size()];
    int slots = Integer.highestOneBit(Math.max(1, merges.size())) << 2; // at most half of them full
    pairs = new long[slots];
    ranks = new int[slots];
    mask = slots - 1;
    Arrays.fill(ranks, NONE);
    for (int rank = 0; rank < merged.length; rank++) {
      Merge merge = merges.get(rank);
      merged[rank] = merge.merged();
      int slot = slot(merge.left(), merge.right());
      if (ranks[slot] == NONE) {
        pairs[slot] = pair(merge.left(), merge.right());
        ranks[slot] = rank;
      }
    }
  }

  List<Merge> inOrder() {
    return merges;
  }

  /**
   * Merges the tokens of one piece: again and again the pair of the lowest rank, the leftmost of
   * several. Takes n log n steps, so that no text is slow.
   *
   * @param ids the ids of the piece's bytes, overwritten
   * @return the ids of its tokens
   */
  int[] apply(int[] ids) {
    int n = ids.length;
    int[] next = new int[n]; // the neighbors of each token that is left
    int[] previous = new int[n];
    RankQueue queue = new RankQueue(n);
    for (int i = 0; i < n; i++) {
      previous[i] = i - 1;
      next[i] = i + 1;
      if (i + 1 < n) {
        queue.add(rank(ids[i], ids[i + 1]), i);
      }
    }
    int left = n;
    while (!queue.isEmpty()) {
      int rank = queue.rank();
      int i = queue.position();
      queue.remove();
      if (ids[i] < 0 || next[i] == n || rank(ids[i], ids[next[i]]) != rank) {
        continue; // an earlier merge took one of the two
      }
      int taken = next[i];
      ids[i] = merged[rank];
      ids[taken] = -1;
      left--;
      next[i] = next[taken];
      if (next[i] < n) {
        previous[next[i]] = i;
        queue.add(rank(ids[i], ids[next[i]]), i);
      }
      if (previous[i] >= 0) {
        queue.add(rank(ids[previous[i]], ids[i]), previous[i]);
      }
    }
    int[] result = new int[left];
    for (int i = 0, count = 0; i < n; i = next[i]) {
      result[count++] = ids[i];
    }
    return result;
  }

  private int rank(int left, int right) {
    return ranks[slot(left, right)];
  }

  /** The slot of a pair, or the free one where it would be. */
  private int slot(int left, int right) {
    long pair = pair(left, right);
    int slot = (int) ((pair * 0x9E3779B97F4A7C15L) >>> 40) & mask;
    while (ranks[slot] != NONE && pairs[slot] != pair) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  /** Positions by rank, then from left to right: a binary heap. */
  private static final class RankQueue {
    private long[] heap; // rank in the high half, position in the low one
    private int size;

    RankQueue(int capacity) {
      heap = new long[capacity];
    }

    boolean isEmpty() {
      return size == 0;
    }

    int rank() {
      return (int) (heap[0] >>> 32);
    }

    int position() {
      return (int) heap[0];
    }

    /** Adds a position unless its rank is NONE. */
    void add(int rank, int position) {
      if (rank == NONE) {
        return;
      }
      if (size == heap.length) {
        heap = Arrays.copyOf(heap, 2 * size);
      }
      long entry = (long) rank << 32 | position;
      int i = size++;
      while (i > 0 && heap[i - 1 >>> 1] > entry) {
        heap[i] = heap[i - 1 >>> 1];
        i = i - 1 >>> 1;
      }
      heap[i] = entry;
    }

    void remove() {
      long last = heap[--size];
      int i = 0;
      while (2 * i + 1 < size) {
        int child = 2 * i + 1;
        if (child + 1 < size && heap[child + 1] < heap[child]) {
          child++;
        }
        if (heap[child] >= last) {
          break;
        }
        heap[i] = heap[child];
        i = child;
      }
      heap[i] = last;
    }
  }
}

package jambic.model.generate;

import jambic.model.nn.KvCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The tokens of one sequence, how many of them the cache holds, and in which pages. */
final class CachedSequence {
  /** Tokens that are read at once: enough to keep a matrix product busy. */
  static final int CHUNK = 512;

  private final KvCache cache;
  private final int blockSize;
  private final int[] pages;
  private int pageCount;
  private int[] tokens = {};
  private int length;
  private int cached;
  private final List<Integer> turns = new ArrayList<>(); // where they begin

  CachedSequence(KvCache cache, int blockSize) {
    this.cache = cache;
    this.blockSize = blockSize;
    pages = new int[cache.pagesFor(blockSize)];
  }

  int length() {
    return length;
  }

  int token(int position) {
    return tokens[position];
  }

  int cached() {
    return cached;
  }

  /** The pages, and anything behind them up to the context. */
  int[] pages() {
    return pages;
  }

  /** Appends tokens; beyond the context the last blockSize are kept, and none of them is cached. */
  void append(int... more) {
    int all = length + more.length;
    if (all > tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(all, Math.min(2 * all, blockSize + 1)));
    }
    System.arraycopy(more, 0, tokens, length, more.length);
    length = all;
  }

  /** Notes that a turn begins after what there is. */
  void beginTurn() {
    turns.add(length);
  }

  /**
   * Drops the oldest turns but the last until there is room for so many tokens more, or only that
   * turn is left. The positions of the others shift: nothing cached holds then.
   *
   * @return how many turns were dropped
   */
  int makeRoom(long tokens) {
    int dropped = 0;
    while (dropped < turns.size() - 1 && length - turns.get(dropped) + tokens > blockSize) {
      dropped++;
    }
    if (dropped > 0) {
      drop(turns.get(dropped));
    }
    return dropped;
  }

  /** Whether there are more tokens than the model can read. */
  boolean isPastContext() {
    return length > blockSize;
  }

  /** Keeps the last blockSize tokens. Their positions have shifted: nothing cached holds. */
  void crop() {
    drop(length - blockSize);
  }

  private void drop(int oldest) {
    length -= oldest;
    System.arraycopy(tokens, oldest, tokens, 0, length);
    cached = 0;
    turns.replaceAll(begin -> begin - oldest);
    turns.removeIf(begin -> begin <= 0);
    turns.addFirst(0); // what is left of a turn is one as well
  }

  /**
   * How many tokens are read next. It depends on this sequence alone, so that what comes of it does
   * not depend on others.
   */
  int chunk() {
    return Math.min(CHUNK, length - cached);
  }

  /** Whether the next chunk ends with the last token, after which a new one can be chosen. */
  boolean endsWithChunk() {
    return cached + chunk() == length;
  }

  /** The next chunk has been read. */
  void advance() {
    cached += chunk();
  }

  /** Takes pages for so many positions, all or none. */
  boolean reserve(int positions) {
    int wanted = cache.pagesFor(positions);
    if (wanted - pageCount > cache.freePages()) {
      return false;
    }
    while (pageCount < wanted) {
      pages[pageCount++] = cache.take();
    }
    return true;
  }

  /** Gives all pages back. */
  void release() {
    while (pageCount > 0) {
      cache.giveBack(pages[--pageCount]);
    }
    cached = 0;
  }
}

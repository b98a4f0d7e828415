package jambic.model.translator;

import jambic.model.nn.KvCache;
import java.util.Arrays;

/**
 * The pages of the hypotheses of a batch, all of the same length. Hypotheses with a common
 * beginning share its full pages; of the page that is written next each has its own, copied where
 * they part. A row without a hypothesis writes and reads a page that nobody else has.
 */
final class HypothesisPages {
  private static final int IDLE = -1;

  private final KvCache cache;
  private final int width; // pages of the longest hypothesis
  private final int[] owners; // how many hypotheses have each page
  private final int[] idlePages; // of each row
  private int[][] tables;
  private int length;
  private int[] copiedFrom; // the page that each row's open page is a copy of, or its idle page
  private int[] copiedTo;

  /** Takes pages for rows without hypotheses; counts how many a cache needs by {@link #needed}. */
  HypothesisPages(KvCache cache, int rows, int longest) {
    this.cache = cache;
    width = cache.pagesFor(longest);
    owners = new int[cache.positions() / cache.pageSize()];
    idlePages = new int[rows];
    Arrays.setAll(idlePages, row -> cache.take());
    tables = new int[rows][];
    copiedFrom = new int[rows];
    copiedTo = new int[rows];
  }

  /** How many pages so many rows need at most. */
  static int needed(int rows, int longest, int pageSize) {
    return Math.multiplyExact(rows, Math.ceilDiv(longest, pageSize) + 1);
  }

  /** Starts a hypothesis of no tokens in some rows. */
  void start(int... rows) {
    for (int row : rows) {
      tables[row] = new int[width];
      takeNext(row);
    }
  }

  /**
   * Goes on after a token was written for every row.
   *
   * @param parents the row that each row's hypothesis goes on from, or -1 for none
   */
  void advance(int[] parents) {
    length++;
    int full = length / cache.pageSize();
    boolean open = length % cache.pageSize() != 0;
    int[][] next = new int[tables.length][];
    boolean[] kept = new boolean[tables.length]; // whether a child has a row's open page
    boolean[] parts = new boolean[tables.length]; // whether a row needs a page of its own
    for (int row = 0; row < next.length; row++) {
      int parent = row < parents.length ? parents[row] : IDLE;
      if (parent == IDLE) {
        continue;
      }
      next[row] = tables[parent].clone();
      for (int i = 0; i < full; i++) {
        owners[next[row][i]]++;
      }
      if (open) {
        parts[row] = kept[parent];
        owners[next[row][full]] += kept[parent] ? 0 : 1;
        kept[parent] = true;
      }
    }
    int[][] old = tables;
    tables = next;
    release(old, open ? full + 1 : full);
    for (int row = 0; row < next.length; row++) {
      copiedFrom[row] = idlePages[row];
      copiedTo[row] = idlePages[row];
      if (next[row] != null && parts[row]) {
        copiedFrom[row] = next[row][full];
        takeNext(row);
        copiedTo[row] = next[row][full];
      } else if (next[row] != null && !open && full < width) {
        takeNext(row);
      }
    }
  }

  private void takeNext(int row) {
    int page = cache.take();
    owners[page] = 1;
    tables[row][length / cache.pageSize()] = page;
  }

  private void release(int[][] old, int count) {
    for (int[] table : old) {
      for (int i = 0; table != null && i < count; i++) {
        if (--owners[table[i]] == 0) {
          cache.giveBack(table[i]);
        }
      }
    }
  }

  /** Keeps some rows, in order, and forgets the others, which have no hypotheses. */
  void keep(int[] rows) {
    tables = Arrays.stream(rows).mapToObj(row -> tables[row]).toArray(int[][]::new);
    copiedFrom = Arrays.stream(rows).map(row -> copiedFrom[row]).toArray();
    copiedTo = Arrays.stream(rows).map(row -> copiedTo[row]).toArray();
  }

  /** The pages of every row, side by side. */
  void fill(int[] pages) {
    for (int row = 0; row < tables.length; row++) {
      if (tables[row] == null) {
        Arrays.fill(pages, row * width, (row + 1) * width, idlePages[row]);
      } else {
        System.arraycopy(tables[row], 0, pages, row * width, width);
      }
    }
  }

  int width() {
    return width;
  }

  int length() {
    return length;
  }

  /** The page that each row's open page is a copy of, or its idle page. */
  int[] copiedFrom() {
    return copiedFrom;
  }

  /** The copies. */
  int[] copiedTo() {
    return copiedTo;
  }
}

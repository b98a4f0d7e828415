package jambic.model.generate;

import jambic.tensor.spi.LinearKernels;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The tokens of one sequence, how many of them the cache holds, and in which pages. Prompts are
 * read in chunks, what was generated token by token, also when it has to be read again: so the
 * cache holds the same bits.
 */
final class CachedSequence {
  /** Tokens that are read at once: enough to keep a matrix product busy. */
  static final int CHUNK = 512;

  /** The same where each has scores, which are as many numbers as the vocabulary has tokens. */
  private static final int SCORED = 64;

  /** Generated tokens that are read again at once, each for itself: with int8 weights no more. */
  private static final int AGAIN = LinearKernels.FEW_ROWS;

  private final PagePool pool;
  private final int blockSize;
  private final boolean pinned; // keeps its pages, which nobody shares
  private final int[] pages;
  private int pageCount;
  private int[] tokens = {};
  private int length;
  private int cached;
  private int chunksFrom; // where the reading in chunks began
  private int chunksTo;
  private int scoredFrom = Integer.MAX_VALUE;
  private boolean shares;
  private int named; // pages whose contents have names, those before them included
  private long name = PagePool.NOTHING; // of the last of these
  private final List<Integer> turns = new ArrayList<>(); // where they begin

  /**
   * An empty sequence.
   *
   * @param pinned whether it keeps its pages between two requests
   */
  CachedSequence(PagePool pool, int blockSize, boolean pinned) {
    this.pool = pool;
    this.blockSize = blockSize;
    this.pinned = pinned;
    shares = !pinned;
    pages = new int[pool.pagesFor(blockSize)];
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

  boolean isPinned() {
    return pinned;
  }

  /** The pages, and anything behind them up to the context. */
  int[] pages() {
    return pages;
  }

  /** Appends a prompt. */
  void appendPrompt(int[] prompt) {
    chunksFrom = cached;
    append(prompt);
    chunksTo = length;
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
    if (!pinned) { // others may share what would be overwritten
      release();
      shares = false; // the next token shifts it all again
    }
    cached = 0;
    chunksFrom = 0;
    chunksTo = length;
    turns.replaceAll(begin -> begin - oldest);
    turns.removeIf(begin -> begin <= 0);
    turns.addFirst(0); // what is left of a turn is one as well
  }

  /**
   * How many tokens are read next. It depends on this sequence alone, so that what comes of it does
   * not depend on others; nor on how many of the first ones were found in the cache, for a chunk
   * that begins later ends where it would have ended.
   */
  int chunk() {
    if (isReadSingly()) {
      return Math.min(AGAIN, length - cached);
    }
    int chunk = Math.min(chunkLeft(cached), chunksTo - cached);
    boolean scored = scoredFrom < cached + chunk && chunk > SCORED + LinearKernels.FEW_ROWS;
    return scored ? SCORED : chunk;
  }

  private int chunkLeft(int position) {
    return CHUNK - (position - chunksFrom) % CHUNK;
  }

  /** Whether each token of the next chunk is read as if it were the only one. */
  boolean isReadSingly() {
    return cached >= chunksTo;
  }

  /** Whether the next chunk ends with the last token, after which a new one can be chosen. */
  private boolean endsWithChunk() {
    return cached + chunk() == length;
  }

  /** Wants the scores after each token from a position on, not after the last one alone. */
  void scoreFrom(int position) {
    scoredFrom = position;
  }

  /** Wants the scores after the last token alone. */
  void scoreLast() {
    scoredFrom = Integer.MAX_VALUE;
  }

  /** How many tokens of the next chunk, the last ones, have scores that are wanted. */
  int scored() {
    int all = cached + chunk();
    int wanted = Math.clamp((long) all - scoredFrom, 0, chunk());
    return endsWithChunk() ? Math.max(1, wanted) : wanted;
  }

  /** The last token has to be read once more, for its scores. */
  void unreadLast() {
    cached = Math.min(cached, Math.max(0, length - 1));
  }

  /** The next chunk has been read. */
  void advance() {
    cached += chunk();
    while (shares && positions(named + 1) <= Math.min(cached, chunksTo)) {
      name = pool.publish(pages[named], prefix(named, name));
      named++;
    }
  }

  private int positions(int pageCount) {
    return pageCount * pool.pageSize();
  }

  private PagePool.Prefix prefix(int page, long before) {
    int[] held = Arrays.copyOfRange(tokens, positions(page), positions(page + 1));
    return new PagePool.Prefix(before, IntBuffer.wrap(held));
  }

  /**
   * Takes what the cache holds of the prompt's beginning, instead of reading it.
   *
   * @return how many tokens need not be read
   */
  int share() {
    if (!shares || cached != positions(named)) {
      return 0;
    }
    List<Integer> found = new ArrayList<>();
    int enough = 0;
    long before = name;
    for (int i = named; positions(i + 1) < chunksTo; i++) {
      OptionalInt page = pool.find(prefix(i, before));
      if (page.isEmpty()) {
        break;
      }
      found.add(page.getAsInt());
      before = pool.name(page.getAsInt());
      enough = mayBeginAt(positions(i + 1)) ? found.size() : enough;
    }
    for (int page : found.subList(0, enough)) {
      pool.share(page);
      if (named < pageCount) {
        pool.giveBack(pages[named]); // not written yet
      } else {
        pageCount++;
      }
      pages[named++] = page;
      name = pool.name(page);
    }
    cached = positions(named);
    return positions(enough);
  }

  /**
   * Whether all is the same if reading begins there: no scores are missing, and what is left of a
   * chunk is not so little that it would be computed in another way.
   */
  private boolean mayBeginAt(int position) {
    int left = Math.min(chunkLeft(position), chunksTo - position);
    boolean sameWay = left > LinearKernels.FEW_ROWS || position % CHUNK == 0;
    return position < chunksTo && position <= scoredFrom && sameWay;
  }

  /** The page of a prompt that is read next, if others could begin after it. */
  Optional<PagePool.Prefix> nextShared() {
    boolean whole = shares && cached == positions(named) && mayBeginAt(positions(named + 1));
    return whole ? Optional.of(prefix(named, name)) : Optional.empty();
  }

  /** Neither takes nor leaves anything for others from now on. */
  void stopSharing() {
    shares = false;
  }

  /** How many more pages so many positions take. */
  int missing(int positions) {
    return Math.max(0, pool.pagesFor(positions) - pageCount);
  }

  /** Takes pages for so many positions; there have to be enough. */
  void reserve(int positions) {
    int more = missing(positions);
    for (int i = 0; i < more; i++) {
      pages[pageCount++] = pool.take();
    }
    if (pinned) {
      pool.pin(more);
    }
  }

  /** Gives all pages back, the last first: it is of use to fewest. */
  void release() {
    if (pinned) {
      pool.pin(-pageCount);
    }
    while (pageCount > 0) {
      pool.giveBack(pages[--pageCount]);
    }
    cached = 0;
    chunksFrom = 0;
    named = 0;
    name = PagePool.NOTHING;
  }
}

package jambic.model.generate;

import jambic.model.nn.KvCache;
import java.nio.IntBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedSet;

/**
 * Hands out the pages of a cache, several times if they hold the beginning of several prompts
 * (prefix caching, as vLLM has it). A page of a prompt that nobody holds any more is remembered
 * until its room is needed; the one that was left longest ago goes first.
 */
final class PagePool {
  /** The name of what comes before a prompt. */
  static final long NOTHING = 0;

  /** What a page of a prompt holds: the same tokens after other ones are something else. */
  record Prefix(long before, IntBuffer tokens) {}

  private final KvCache cache;
  private final int pages;
  private final int[] holders; // of each page
  private final Map<Prefix, Integer> known = new HashMap<>();
  private final Prefix[] prefixes; // of each page that is known
  private final long[] names; // of these
  private final SequencedSet<Integer> unheld = new LinkedHashSet<>(); // but known
  private long named = NOTHING;
  private int pinned;

  PagePool(KvCache cache) {
    this.cache = cache;
    pages = cache.freePages();
    holders = new int[pages];
    prefixes = new Prefix[pages];
    names = new long[pages];
  }

  int pages() {
    return pages;
  }

  int pageSize() {
    return cache.pageSize();
  }

  int pagesFor(int positions) {
    return cache.pagesFor(positions);
  }

  /** How many pages nobody holds. */
  int available() {
    return cache.freePages() + unheld.size();
  }

  /** How many pages are held by those who keep them until they please. */
  int pinned() {
    return pinned;
  }

  void pin(int count) {
    pinned += count;
  }

  /** Takes a page that nobody holds; there has to be one. */
  int take() {
    int page = cache.freePages() > 0 ? cache.take() : forget(unheld.removeFirst());
    holders[page] = 1;
    return page;
  }

  /** Takes a page that is known, whoever else holds it. */
  void share(int page) {
    if (holders[page]++ == 0) {
      unheld.remove(page);
    }
  }

  void giveBack(int page) {
    if (--holders[page] > 0) {
      return;
    }
    if (names[page] == NOTHING) {
      cache.giveBack(page);
    } else {
      unheld.addLast(page);
    }
  }

  /** Finds the page that holds this. */
  OptionalInt find(Prefix prefix) {
    Integer page = known.get(prefix);
    return page == null ? OptionalInt.empty() : OptionalInt.of(page);
  }

  /** The name of what the prompt holds up to the end of a known page. */
  long name(int page) {
    return names[page];
  }

  /**
   * Makes known what a page holds, unless another page is known to hold it.
   *
   * @return the name of what the prompt holds up to the end of the page
   */
  long publish(int page, Prefix prefix) {
    Integer other = known.putIfAbsent(prefix, page);
    if (other != null) {
      return names[other];
    }
    prefixes[page] = prefix;
    names[page] = ++named;
    return named;
  }

  /** Makes all pages unknown. Who holds some keeps them. */
  void forgetAll() {
    for (int page : unheld) {
      cache.giveBack(page);
    }
    unheld.clear();
    known.clear();
    Arrays.fill(names, NOTHING);
  }

  private int forget(int page) {
    known.remove(prefixes[page]);
    names[page] = NOTHING;
    return page;
  }
}

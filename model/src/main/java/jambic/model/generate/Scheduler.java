package jambic.model.generate;

import jambic.tensor.spi.LinearKernels;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Who is served, who waits, and who has which pages. Requests are admitted in the order in which
 * they came, as soon as their prompt and a page more have room, and take pages as they grow. When
 * none is left, the youngest gives its own back and waits again. Each could be served alone beside
 * the sessions, which keep theirs; so the oldest always goes on.
 */
final class Scheduler {
  /** Tokens of prompts that are read in one step. */
  private static final int PREFILL = CachedSequence.CHUNK;

  private final PagePool pool;
  private final int maxBatch;
  private final int blockSize;
  private final EngineCounters counters;
  private final List<ActiveRequest> waiting = new ArrayList<>(); // the oldest first
  private final List<ActiveRequest> running = new ArrayList<>();
  private long arrivals;

  /**
   * Whose tokens are read in a step.
   *
   * @param small those with a few tokens
   * @param large those with many
   */
  record Step(List<ActiveRequest> small, List<ActiveRequest> large) {}

  Scheduler(PagePool pool, int maxBatch, int blockSize, EngineCounters counters) {
    this.pool = pool;
    this.maxBatch = maxBatch;
    this.blockSize = blockSize;
    this.counters = counters;
  }

  /** Whether nobody is served. */
  boolean isIdle() {
    return running.isEmpty();
  }

  /** Who waits longest. */
  Optional<ActiveRequest> next() {
    return waiting.stream().findFirst();
  }

  /** All requests that fit, those that are served first. */
  List<ActiveRequest> matching(Predicate<ActiveRequest> wanted) {
    List<ActiveRequest> matching = new ArrayList<>(running);
    matching.addAll(waiting);
    matching.removeIf(wanted.negate());
    return matching;
  }

  void add(ActiveRequest generation) {
    generation.arrive(arrivals++);
    waiting.add(generation);
  }

  /** A request leaves; the pages of a session stay the session's. */
  void remove(ActiveRequest generation) {
    if (waiting.remove(generation)) {
      counters.dequeued();
    } else {
      running.remove(generation);
    }
    if (!generation.sequence().isPinned()) {
      generation.sequence().release();
    }
    count();
  }

  /** A session's pages are free. */
  void release(CachedSequence sequence) {
    sequence.release();
    count();
  }

  /** What was read so far is of no use to those who come later. */
  void forgetPrefixes() {
    matching(any -> true).forEach(generation -> generation.sequence().stopSharing());
    pool.forgetAll();
  }

  private void count() {
    counters.running(running.size());
    counters.freePages(pool.available());
  }

  /**
   * Lets in whom there is room for, in the order in which they came.
   *
   * @param empty receives those of whom nothing is wanted, in their turn
   * @param admitted receives the others
   */
  void admit(Consumer<ActiveRequest> empty, Consumer<ActiveRequest> admitted) {
    while (!waiting.isEmpty() && running.size() < maxBatch) {
      ActiveRequest next = waiting.getFirst();
      if (next.isEmpty()) {
        empty.accept(next);
      } else if (enter(next)) {
        waiting.removeFirst();
        running.add(next);
        counters.dequeued();
        count();
        admitted.accept(next);
      } else {
        return;
      }
    }
  }

  /** Takes the pages to begin with, all or none. */
  private boolean enter(ActiveRequest next) {
    CachedSequence sequence = next.sequence();
    int all = next.positions(blockSize);
    if (sequence.isPinned()) {
      int more = sequence.missing(all);
      boolean room = more <= pool.available() && alone(running) <= free(more);
      if (room) {
        sequence.reserve(all);
        counters.admitted(next.promptLength());
      }
      return room;
    }
    if (alone(List.of(next)) > free(0)) {
      return false;
    }
    int shared = sequence.share();
    int now = Math.min(all, sequence.length());
    int withRoom = Math.min(all, now + pool.pageSize());
    if (sequence.missing(withRoom) > pool.available()) {
      sequence.release();
      return false;
    }
    sequence.reserve(now);
    if (!next.wasPreempted()) {
      counters.admitted(next.promptLength());
      counters.cached(shared);
    }
    return true;
  }

  /** The pages that sessions leave when they take so many more. */
  private int free(int more) {
    return pool.pages() - pool.pinned() - more;
  }

  /** The pages that the largest of some needs to its end, if it is no session's. */
  private int alone(List<ActiveRequest> some) {
    return some.stream()
        .filter(generation -> !generation.sequence().isPinned())
        .mapToInt(generation -> pool.pagesFor(generation.positions(blockSize)))
        .max()
        .orElse(0);
  }

  /** Chooses who is read next, and makes room for that. */
  Step step() {
    for (ActiveRequest generation : List.copyOf(running)) { // the oldest first
      grow(generation);
    }
    List<ActiveRequest> small = new ArrayList<>();
    List<ActiveRequest> large = new ArrayList<>();
    Set<PagePool.Prefix> read = new HashSet<>();
    int rows = 0;
    for (ActiveRequest generation : running) {
      CachedSequence sequence = generation.sequence();
      if (!generation.wasPreempted()) {
        counters.cached(sequence.share());
      }
      int chunk = sequence.chunk();
      if (sequence.isReadSingly() || chunk <= LinearKernels.FEW_ROWS) {
        small.add(generation);
      } else if (large.isEmpty() || rows + chunk <= PREFILL) {
        Optional<PagePool.Prefix> prefix = sequence.nextShared();
        if (prefix.isEmpty() || read.add(prefix.get())) { // else it is shared in the next step
          large.add(generation);
          rows += chunk;
        }
      }
    }
    count();
    return new Step(small, large);
  }

  /** Takes the pages for the next chunk, from the youngest if need be, who may be this one. */
  private void grow(ActiveRequest generation) {
    CachedSequence sequence = generation.sequence();
    int positions = sequence.cached() + sequence.chunk();
    while (running.contains(generation) && sequence.missing(positions) > pool.available()) {
      preempt(youngest());
    }
    if (running.contains(generation)) {
      sequence.reserve(positions);
    }
  }

  private ActiveRequest youngest() {
    return running.stream()
        .filter(generation -> !generation.sequence().isPinned())
        .max((a, b) -> Long.compare(a.arrival(), b.arrival()))
        .orElseThrow();
  }

  private void preempt(ActiveRequest generation) {
    running.remove(generation);
    generation.preempt();
    int at = 0;
    while (at < waiting.size() && waiting.get(at).arrival() < generation.arrival()) {
      at++;
    }
    waiting.add(at, generation);
    counters.preempted();
  }
}

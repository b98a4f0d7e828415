package jambic.train.parallel;

import jambic.tensor.JambicException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Moves buckets of a row through buffers of the host. Sums over ranks are made by a thread of their
 * own: tensors are read and written by the caller's alone, who computes in between.
 *
 * <p>Two buckets are on their way at most. More would not be faster: while two are, the network has
 * always something to do.
 */
final class BucketSums {
  private final DataParallel ranks;
  private final long part;
  private final List<Slot> slots;
  private final Executor thread;
  private int begun;

  /**
   * Allocates the buffers.
   *
   * @param ranks that have a part of each bucket
   * @param part the elements of a bucket that a rank has
   */
  BucketSums(DataParallel ranks, long part) {
    this.ranks = ranks;
    this.part = part;
    Arena arena = Arena.ofAuto(); // for the thread that owns the network, too
    slots = Stream.generate(() -> new Slot(arena)).limit(2).toList();
    ThreadPoolExecutor one =
        new ThreadPoolExecutor(
            1,
            1,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().name("jambic-sums").daemon(true).factory());
    one.allowCoreThreadTimeOut(true); // so that nobody has to end it
    thread = one;
  }

  /** Begins to sum a bucket that begins at an element of a row. */
  void begin(JoinedFloats row, long start) {
    slots.get(begun++ % slots.size()).begin(row, start);
  }

  /** Waits for all that was begun. */
  void finish() {
    for (int i = 0; i < slots.size(); i++) {
      slots.get((begun + i) % slots.size()).finish();
    }
  }

  /** Gives every rank all parts of a bucket. */
  void gather(JoinedFloats row, long start) {
    Slot slot = slots.getFirst();
    MemorySegment mine = slot.part(slot.sent, 0);
    row.read(start + ranks.rank() * part, mine);
    ranks.waiting(() -> ranks.communicator().gatherAll(mine, slot.received));
    for (int rank = 0; rank < ranks.size(); rank++) {
      if (rank != ranks.rank()) {
        row.write(start + rank * part, slot.part(slot.received, rank));
      }
    }
  }

  /** A bucket on its way. */
  private final class Slot {
    private final MemorySegment sent;
    private final MemorySegment received;
    private CompletableFuture<Void> sum = CompletableFuture.completedFuture(null);
    private Runnable write = () -> {};

    Slot(Arena arena) {
      sent = arena.allocate(ranks.size() * part * Float.BYTES, 64);
      received = arena.allocate(ranks.size() * part * Float.BYTES, 64);
    }

    void begin(JoinedFloats row, long start) {
      finish();
      row.read(start, sent);
      sum = CompletableFuture.runAsync(this::sum, thread);
      write = () -> row.write(start + ranks.rank() * part, part(received, 0));
    }

    private void sum() {
      ranks.communicator().exchange(sent, received);
      for (int width = 1; width < ranks.size(); width *= 2) {
        for (int rank = 0; rank < ranks.size(); rank += 2 * width) {
          add(part(received, rank), part(received, rank + width));
        }
      }
    }

    private void add(MemorySegment sums, MemorySegment others) {
      for (long i = 0; i < part; i++) {
        float sum =
            sums.getAtIndex(ValueLayout.JAVA_FLOAT, i)
                + others.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        sums.setAtIndex(ValueLayout.JAVA_FLOAT, i, sum);
      }
    }

    void finish() {
      ranks.waiting(() -> {
        try {
          sum.join();
        } catch (CompletionException e) {
          throw rethrown(e.getCause());
        }
      });
      write.run();
      write = () -> {};
    }

    MemorySegment part(MemorySegment bucket, int rank) {
      return bucket.asSlice(rank * part * Float.BYTES, part * Float.BYTES);
    }
  }

  private static RuntimeException rethrown(Throwable cause) {
    return switch (cause) {
      case Error error -> throw error;
      case RuntimeException e -> e;
      default -> new JambicException("gradients could not be summed: " + cause, cause);
    };
  }
}

package jambic.mpi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts what is to be moved into calls of MPI, whose counts are of type {@code int}. What lies on
 * the heap goes through buffers outside it: to pin an array while another rank is late would stop
 * the garbage collector. Ranks may hold the same data in different kinds of memory, so that sizes
 * alone decide which calls are made.
 */
final class Chunks {
  /** Much smaller buffers are several times slower, larger ones no faster. */
  static final int BYTES = 16 << 20;

  private final Collectives collectives;
  private final int size;
  private final int part;
  private final MemorySegment outgoing;
  private final MemorySegment incoming;

  /**
   * Allocates the buffers.
   *
   * @param collectives what makes the calls
   * @param size how many ranks there are
   * @param bytes of a buffer; more if that is less than a byte for each rank
   * @param arena where they are allocated
   */
  Chunks(Collectives collectives, int size, int bytes, Arena arena) {
    this.collectives = collectives;
    this.size = size;
    this.part = Math.max(1, bytes / size);
    this.outgoing = arena.allocate((long) part * size, 64);
    this.incoming = arena.allocate((long) part * size, 64);
  }

  void broadcast(MemorySegment data, int root, boolean isRoot) {
    long chunk = outgoing.byteSize();
    for (long from = 0; from < data.byteSize(); from += chunk) {
      MemorySegment slice = data.asSlice(from, Math.min(chunk, data.byteSize() - from));
      if (slice.isNative()) {
        collectives.broadcast(slice, root);
        continue;
      }
      MemorySegment staged = outgoing.asSlice(0, slice.byteSize());
      if (isRoot) {
        staged.copyFrom(slice);
      }
      collectives.broadcast(staged, root);
      if (!isRoot) {
        slice.copyFrom(staged);
      }
    }
  }

  void exchange(MemorySegment send, MemorySegment receive) {
    long length = send.byteSize() / size;
    if (fits(send, receive, length)) {
      collectives.exchange(send, receive, (int) length);
      return;
    }
    for (long from = 0; from < length; from += part) {
      int bytes = (int) Math.min(part, length - from);
      for (int rank = 0; rank < size; rank++) {
        MemorySegment.copy(send, rank * length + from, outgoing, (long) rank * bytes, bytes);
      }
      collectives.exchange(outgoing, incoming, bytes);
      spread(receive, length, from, bytes);
    }
  }

  void gatherAll(MemorySegment mine, MemorySegment all) {
    long length = mine.byteSize();
    if (fits(mine, all, length)) {
      collectives.gatherAll(mine, all, (int) length);
      return;
    }
    for (long from = 0; from < length; from += part) {
      int bytes = (int) Math.min(part, length - from);
      MemorySegment.copy(mine, from, outgoing, 0, bytes);
      collectives.gatherAll(outgoing, incoming, bytes);
      spread(all, length, from, bytes);
    }
  }

  /** Whether the one call that the buffers would take can do without them. */
  private boolean fits(MemorySegment from, MemorySegment to, long length) {
    return from.isNative() && to.isNative() && length > 0 && length <= part;
  }

  private void spread(MemorySegment all, long length, long from, int bytes) {
    for (int rank = 0; rank < size; rank++) {
      MemorySegment.copy(incoming, (long) rank * bytes, all, rank * length + from, bytes);
    }
  }
}

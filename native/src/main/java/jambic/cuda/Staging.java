package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Pinned host memory through which bytes travel to and from the device, in order with launched
 * work. Uploads return at once: a piece of the ring is written again only when the copy out of it
 * is done.
 */
final class Staging implements AutoCloseable {
  private static final int HALVES = 2;
  private static final long HALF_BYTES = 4 << 20;
  private static final long LINE = 64;

  private final Stream stream;
  private final MemorySegment pinned;
  private final MemorySegment[] copied = new MemorySegment[HALVES]; // events, one a half
  private int half;
  private long used;

  Staging(Stream stream) {
    this.stream = stream;
    stream.handle();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.driver(cuMemHostAlloc(out, HALVES * HALF_BYTES, 0), "cuMemHostAlloc");
      pinned = out.get(ADDRESS, 0).reinterpret(HALVES * HALF_BYTES);
      for (int i = 0; i < HALVES; i++) {
        Check.driver(cuEventCreate(out, CU_EVENT_DISABLE_TIMING()), "cuEventCreate");
        copied[i] = out.get(ADDRESS, 0);
      }
    }
  }

  /** Copies to the device. */
  void upload(long address, MemorySegment source) {
    synchronized (stream) {
      for (long at = 0; at < source.byteSize(); ) {
        long count = Math.min(source.byteSize() - at, HALF_BYTES);
        MemorySegment piece = piece(count);
        MemorySegment.copy(source, at, piece, 0, count);
        Check.driver(
            cuMemcpyHtoDAsync_v2(address + at, piece, count, stream.handle()), "cuMemcpyHtoDAsync");
        at += count;
      }
    }
  }

  /** Copies from the device once launched work is done. */
  void download(MemorySegment destination, long address) {
    synchronized (stream) {
      for (long at = 0; at < destination.byteSize(); ) {
        long count = Math.min(destination.byteSize() - at, HALF_BYTES);
        MemorySegment piece = piece(count);
        Check.driver(
            cuMemcpyDtoHAsync_v2(piece, address + at, count, stream.handle()), "cuMemcpyDtoHAsync");
        stream.synchronize();
        MemorySegment.copy(piece, 0, destination, at, count);
        at += count;
      }
    }
  }

  /** Free bytes of the ring. */
  private MemorySegment piece(long count) {
    if (used + count > HALF_BYTES) {
      Check.driver(cuEventRecord(copied[half], stream.handle()), "cuEventRecord");
      half = (half + 1) % HALVES;
      used = 0;
      Check.driver(cuEventSynchronize(copied[half]), "cuEventSynchronize");
    }
    MemorySegment piece = pinned.asSlice(half * HALF_BYTES + used, count);
    used = Math.min(HALF_BYTES, Math.ceilDiv(used + count, LINE) * LINE);
    return piece;
  }

  @Override
  public void close() {
    stream.synchronize();
    for (MemorySegment event : copied) {
      Check.driver(cuEventDestroy_v2(event), "cuEventDestroy");
    }
    Check.driver(cuMemFreeHost(pinned), "cuMemFreeHost");
  }
}

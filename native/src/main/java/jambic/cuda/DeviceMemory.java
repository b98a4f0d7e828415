package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.BatchTooLargeException;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Takes memory of the device and gives it back, and knows how much is out. */
final class DeviceMemory {
  /** What memory is for, by what lowers the need of it. */
  enum Purpose {
    /** What every process needs. */
    OPENING(""),
    MODEL(", or take a smaller model"),
    /** What is computed from a batch. */
    BATCH(", or take a smaller batch or a shorter context");

    private final String remedy;

    Purpose(String remedy) {
      this.remedy = remedy;
    }
  }

  /** What is left to others where memory only makes things faster. */
  private static final long RESERVE = 256L << 20;

  private final Context context;
  private long taken;

  DeviceMemory(Context context) {
    this.context = context;
  }

  /**
   * Takes memory.
   *
   * @param bytes how much
   * @param what what needs it, as a sentence's subject
   * @param purpose what lowers the need
   * @return its address, a multiple of 256
   * @throws JambicException if there is not enough: what was asked, what is free, what lowers it; a
   *     {@link BatchTooLargeException} if that is the batch
   */
  synchronized long take(long bytes, String what, Purpose purpose) {
    long address = takeIfFree(bytes);
    if (address == 0) {
      throw outOfMemory(bytes, what, purpose);
    }
    return address;
  }

  /** Takes memory that one can do without; 0 if little would be left. */
  synchronized long takeSpare(long bytes) {
    return hasSpare(bytes) ? takeIfFree(bytes) : 0;
  }

  /** Whether others have enough if so much is taken. */
  boolean hasSpare(long bytes) {
    return info().free - bytes >= RESERVE;
  }

  /** Takes memory; 0 if there is not enough. */
  synchronized long takeIfFree(long bytes) {
    context.use();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(JAVA_LONG);
      int status = cuMemAlloc_v2(address, bytes);
      if (status == CUDA_ERROR_OUT_OF_MEMORY()) {
        return 0;
      }
      Check.driver(status, "cuMemAlloc");
      taken += bytes;
      return address.get(JAVA_LONG, 0);
    }
  }

  private record Info(long free, long total) {}

  private Info info() {
    context.use();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(JAVA_LONG);
      MemorySegment total = arena.allocate(JAVA_LONG);
      Check.driver(cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return new Info(free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0));
    }
  }

  private JambicException outOfMemory(long bytes, String what, Purpose purpose) {
    Info info = info();
    String message =
        Text.format(
            "out of GPU memory: %s needs %.1f MiB, of the GPU's %.1f MiB only %.1f MiB are free and this process holds %.1f MiB; end what else uses the GPU%s",
            what,
            Math.ceil(tenths(bytes)) / 10, // a small need is not none
            tenths(info.total) / 10,
            Math.floor(tenths(info.free)) / 10,
            tenths(taken) / 10,
            purpose.remedy);
    return purpose == Purpose.BATCH
        ? new BatchTooLargeException(message)
        : new JambicException(message);
  }

  /** Of a mebibyte. */
  private static double tenths(long bytes) {
    return bytes * 10.0 / (1 << 20);
  }

  synchronized void giveBack(long address, long bytes) {
    context.use();
    Check.driver(cuMemFree_v2(address), "cuMemFree");
    taken -= bytes;
  }

  /** What is out, in bytes. */
  synchronized long taken() {
    return taken;
  }
}

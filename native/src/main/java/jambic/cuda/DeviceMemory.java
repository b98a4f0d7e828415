package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import jambic.tensor.JambicException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Takes memory of the device and gives it back, and knows how much is out. */
final class DeviceMemory {
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
   * @param purpose what it is for, as a sentence's subject
   * @return its address, a multiple of 256
   * @throws JambicException if there is not enough: what was asked, what is free, what lowers it
   */
  synchronized long take(long bytes, String purpose) {
    long address = allocate(bytes);
    if (address == 0) {
      throw outOfMemory(bytes, purpose);
    }
    return address;
  }

  /** Takes memory that one can do without; 0 if little would be left. */
  synchronized long takeSpare(long bytes) {
    return info().free - bytes < RESERVE ? 0 : allocate(bytes);
  }

  /** An address, or 0 if there is not enough. */
  private long allocate(long bytes) {
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

  private JambicException outOfMemory(long bytes, String purpose) {
    Info info = info();
    return new JambicException(
        "out of GPU memory: %s needs %s, of the GPU's %s only %s are free and this process holds %s; lower --batch-size or --block-size, or end what else uses the GPU"
            .formatted(
                purpose,
                mebibytes(bytes),
                mebibytes(info.total),
                mebibytes(info.free),
                mebibytes(taken)));
  }

  static String mebibytes(long bytes) {
    return Math.ceilDiv(bytes, 1L << 20) + " MiB";
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

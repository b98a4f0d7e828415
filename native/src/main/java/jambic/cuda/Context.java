package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A device's primary context, which a thread has to take up before it calls the driver. */
final class Context implements AutoCloseable {
  private final Device device;
  private final MemorySegment handle;
  private Thread user;

  Context(Device device) {
    this.device = device;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.driver(cuDevicePrimaryCtxRetain(out, device.handle()), "cuDevicePrimaryCtxRetain");
      handle = out.get(ADDRESS, 0);
    }
    use();
  }

  /** Makes it the calling thread's. */
  void use() {
    if (user != Thread.currentThread()) {
      Check.driver(cuCtxSetCurrent(handle), "cuCtxSetCurrent");
      user = Thread.currentThread();
    }
  }

  @Override
  public void close() {
    Check.driver(cuDevicePrimaryCtxRelease_v2(device.handle()), "cuDevicePrimaryCtxRelease");
  }
}

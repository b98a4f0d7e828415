package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** An order of work on the device. */
final class Stream implements AutoCloseable {
  private final Context context;
  private final MemorySegment handle;
  private boolean capturing;

  Stream(Context context) {
    this.context = context;
    context.use();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.driver(cuStreamCreate(out, CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
      handle = out.get(ADDRESS, 0);
    }
  }

  /** For a call by this thread. */
  MemorySegment handle() {
    context.use();
    return handle;
  }

  /** Whether launches are recorded rather than run. */
  boolean isCapturing() {
    return capturing;
  }

  /** Waits for what was launched, and first for another thread that records: it may not be met. */
  synchronized void synchronize() {
    Check.driver(cuStreamSynchronize(handle()), "cuStreamSynchronize");
  }

  /**
   * Records what a body launches.
   *
   * @return the graph, which the caller destroys
   */
  MemorySegment record(Runnable body) {
    // Relaxed, so that memory may be taken and tables uploaded (by the other stream) meanwhile.
    Check.driver(
        cuStreamBeginCapture_v2(handle(), CU_STREAM_CAPTURE_MODE_RELAXED()),
        "cuStreamBeginCapture");
    capturing = true;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment graph = arena.allocate(ADDRESS);
      try {
        body.run();
      } catch (RuntimeException | Error e) {
        if (cuStreamEndCapture(handle, graph) == CUDA_SUCCESS()) {
          cuGraphDestroy(graph.get(ADDRESS, 0));
        }
        throw e;
      } finally {
        capturing = false;
      }
      Check.driver(cuStreamEndCapture(handle, graph), "cuStreamEndCapture");
      return graph.get(ADDRESS, 0);
    }
  }

  @Override
  public void close() {
    Check.driver(cuStreamDestroy_v2(handle()), "cuStreamDestroy");
  }
}

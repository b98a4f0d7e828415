package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A recorded sequence of launches, which the device runs as one. It is recorded when it is first
 * launched: until then its tensors may still be written.
 */
final class Graph {
  /** What the device holds for a graph, nothing before it is recorded. */
  static final class Executable implements AutoCloseable {
    private final Stream stream;
    private MemorySegment handle = MemorySegment.NULL;

    private Executable(Stream stream) {
      this.stream = stream;
    }

    private boolean isEmpty() {
      return handle.equals(MemorySegment.NULL);
    }

    private void instantiate(MemorySegment graph) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(ADDRESS);
        Check.driver(cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiate");
        handle = out.get(ADDRESS, 0);
      } finally {
        Check.driver(cuGraphDestroy(graph), "cuGraphDestroy");
      }
    }

    /** Frees it; a run under way ends first. */
    @Override
    public void close() {
      if (!isEmpty()) {
        stream.handle();
        Check.driver(cuGraphExecDestroy(handle), "cuGraphExecDestroy");
        handle = MemorySegment.NULL;
      }
    }
  }

  private final Stream stream;
  private final Runnable preparation;
  private final Runnable body;
  private final Executable executable;

  Graph(Stream stream, Runnable preparation, Runnable body) {
    this.stream = stream;
    this.preparation = preparation;
    this.body = body;
    executable = new Executable(stream);
  }

  Executable executable() {
    return executable;
  }

  void launch() {
    // While a graph is recorded, no other thread's copy or wait may fall into it.
    synchronized (stream) {
      if (executable.isEmpty()) {
        executable.instantiate(stream.record(body));
      }
      preparation.run();
      Check.driver(cuGraphLaunch(executable.handle, stream.handle()), "cuGraphLaunch");
    }
  }
}

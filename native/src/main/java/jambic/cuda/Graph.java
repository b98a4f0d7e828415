package jambic.cuda;

import static jambic.cuda.bindings.CudaDriver.*;
import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A recorded sequence of launches, which the device runs as one. It is recorded when it is first
 * launched: until then its tensors may still be written.
 */
final class Graph implements AutoCloseable {
  private final Stream stream;
  private final Runnable body;
  private MemorySegment executable = MemorySegment.NULL;

  Graph(Stream stream, Runnable body) {
    this.stream = stream;
    this.body = body;
  }

  void launch() {
    // While a graph is recorded, no other thread's copy or wait may fall into it.
    synchronized (stream) {
      if (executable.equals(MemorySegment.NULL)) {
        executable = instantiate(stream.record(body));
      }
      Check.driver(cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch");
    }
  }

  private static MemorySegment instantiate(MemorySegment graph) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Check.driver(cuGraphInstantiateWithFlags(out, graph, 0), "cuGraphInstantiate");
      return out.get(ADDRESS, 0);
    } finally {
      Check.driver(cuGraphDestroy(graph), "cuGraphDestroy");
    }
  }

  @Override
  public void close() {
    if (!executable.equals(MemorySegment.NULL)) {
      Check.driver(cuGraphExecDestroy(executable), "cuGraphExecDestroy");
      executable = MemorySegment.NULL;
    }
  }
}

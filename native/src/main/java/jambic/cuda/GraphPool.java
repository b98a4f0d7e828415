package jambic.cuda;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.HashMap;
import java.util.Map;

/**
 * The recorded programs of a backend. A program has no end of its own: what the device holds for
 * one that nobody can run any more is freed when the next one is made, so that a server which
 * records its batches anew all day does not fill the device.
 */
final class GraphPool implements AutoCloseable {
  private final Stream stream;
  private final Runnable preparation;
  private final ReferenceQueue<Graph> forgotten = new ReferenceQueue<>();
  private final Map<Reference<Graph>, Graph.Executable> executables = new HashMap<>();

  /**
   * No programs yet.
   *
   * @param stream where they run
   * @param preparation what is launched before each run
   */
  GraphPool(Stream stream, Runnable preparation) {
    this.stream = stream;
    this.preparation = preparation;
  }

  /** A program, not yet recorded. */
  Graph of(Runnable body) {
    for (Reference<?> reference = forgotten.poll();
        reference != null;
        reference = forgotten.poll()) {
      executables.remove(reference).close();
    }
    Graph graph = new Graph(stream, preparation, body);
    executables.put(new PhantomReference<>(graph, forgotten), graph.executable());
    return graph;
  }

  @Override
  public void close() {
    executables.values().forEach(Graph.Executable::close);
    executables.clear();
  }
}

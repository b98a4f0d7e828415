package jambic.mpi;

import java.lang.foreign.MemorySegment;

/** What moves bytes between ranks: one call of MPI each, on memory outside the heap. */
interface Collectives {
  /** Copies a segment of the root to all. */
  void broadcast(MemorySegment data, int root);

  /** Sends {@code bytes} to each rank, and receives as many from each. */
  void exchange(MemorySegment send, MemorySegment receive, int bytes);

  /** Gathers {@code bytes} of each rank on all. */
  void gatherAll(MemorySegment mine, MemorySegment all, int bytes);
}

package jambic.train.parallel;

import jambic.tensor.spi.Communicator;
import java.lang.foreign.MemorySegment;

/** The job of one process: nobody to talk to. */
record SingleRank() implements Communicator {
  @Override
  public int rank() {
    return 0;
  }

  @Override
  public int size() {
    return 1;
  }

  @Override
  public int localRank() {
    return 0;
  }

  @Override
  public int localSize() {
    return 1;
  }

  @Override
  public void broadcast(MemorySegment data, int root) {}

  @Override
  public void exchange(MemorySegment send, MemorySegment receive) {
    receive.copyFrom(send);
  }

  @Override
  public void gatherAll(MemorySegment mine, MemorySegment all) {
    all.copyFrom(mine);
  }

  @Override
  public void abort(int code) {
    throw new IllegalStateException("one process needs no abort");
  }

  @Override
  public void close() {}
}

package jambic.train.parallel;

import jambic.tensor.spi.Communicator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A job whose ranks are threads of this process. */
public final class ThreadRanks {
  private static final int BUCKET_BYTES = 64 << 10; // so that small models have some

  private final MemorySegment[] sent;
  private int waiting;
  private long turns;
  private boolean aborted;

  private ThreadRanks(int size) {
    sent = new MemorySegment[size];
  }

  /** What a rank does. */
  @FunctionalInterface
  public interface Body<T> {
    /** Runs on a thread of its own. */
    T run(DataParallel ranks) throws Exception;
  }

  /** Ends the job, as a launcher does when a rank aborts. */
  public static final class Aborted extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Runs all ranks to their end.
   *
   * @return what each returned
   * @throws Exception what the first of them threw that was not just told of another's end
   */
  public static <T> List<T> run(int size, Body<T> body) throws Exception {
    List<Throwable> failures = new ArrayList<>();
    List<T> results = new ArrayList<>();
    for (Object outcome : outcomes(size, body)) {
      if (outcome instanceof Throwable failure) {
        failures.add(failure);
      } else {
        @SuppressWarnings("unchecked")
        T result = (T) outcome;
        results.add(result);
      }
    }
    for (Throwable failure : failures) {
      if (!(failure instanceof Aborted)) {
        if (failure instanceof Exception e) {
          throw e;
        }
        throw new AssertionError(failure);
      }
    }
    return results;
  }

  /** Runs all ranks, and returns what each returned or threw. */
  public static List<Object> outcomes(int size, Body<?> body) throws Exception {
    ThreadRanks job = new ThreadRanks(size);
    List<Object> outcomes = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(size)) {
      List<Future<?>> running = new ArrayList<>();
      for (int rank = 0; rank < size; rank++) {
        Rank communicator = job.new Rank(rank);
        running.add(
            threads.submit(() -> {
              try {
                return body.run(DataParallel.over(communicator, BUCKET_BYTES));
              } catch (Throwable e) {
                communicator.abort(1);
                throw e;
              }
            }));
      }
      for (Future<?> each : running) {
        try {
          outcomes.add(each.get());
        } catch (ExecutionException e) {
          outcomes.add(e.getCause());
        }
      }
    }
    return outcomes;
  }

  /** Waits until all ranks are here, or one has given up. */
  private synchronized void await() {
    long turn = turns;
    if (++waiting == sent.length) {
      waiting = 0;
      turns++;
      notifyAll();
    }
    boolean interrupted = false;
    while (turn == turns && !aborted) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (turn == turns) {
      throw new Aborted();
    }
  }

  private synchronized void abort() {
    aborted = true;
    notifyAll();
  }

  private final class Rank implements Communicator {
    private final int rank;

    Rank(int rank) {
      this.rank = rank;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int size() {
      return sent.length;
    }

    @Override
    public int localRank() {
      return rank;
    }

    @Override
    public int localSize() {
      return sent.length;
    }

    @Override
    public void broadcast(MemorySegment data, int root) {
      sent[rank] = data;
      await();
      if (rank != root) {
        data.copyFrom(sent[root]);
      }
      await();
    }

    @Override
    public void exchange(MemorySegment send, MemorySegment receive) {
      sent[rank] = send;
      await();
      long part = send.byteSize() / sent.length;
      for (int from = 0; from < sent.length; from++) {
        receive.asSlice(from * part, part).copyFrom(sent[from].asSlice(rank * part, part));
      }
      await();
    }

    @Override
    public void gatherAll(MemorySegment mine, MemorySegment all) {
      sent[rank] = mine;
      await();
      long part = mine.byteSize();
      for (int from = 0; from < sent.length; from++) {
        if (sent[from].byteSize() != part) {
          throw new IllegalStateException("ranks disagree on what they gather");
        }
        all.asSlice(from * part, part).copyFrom(sent[from]);
      }
      await();
    }

    @Override
    public void abort(int code) {
      ThreadRanks.this.abort();
    }

    @Override
    public void close() {}
  }
}

package jambic.mpi;

import jambic.tensor.text.Text;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The one thread that calls MPI, from the first call to the last, because that is what all
 * libraries allow. Whoever asks it waits and watches: a link that is down lets a call of MPI wait
 * for ever, and only the end of the process ends it.
 */
final class MpiThread {
  /** What a process exits with that ends because its job is broken: try again (sysexits.h). */
  static final int BROKEN_JOB = 75;

  private static final long LOOK_AGAIN = Duration.ofMillis(500).toNanos();

  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("jambic-mpi").daemon(true).factory());

  private final String rank;
  private final Duration patience;
  private volatile long progress;
  private volatile boolean busy;

  /**
   * Starts the thread.
   *
   * @param rank this process, in words
   * @param patience how long a call waits for other ranks; zero for ever
   */
  MpiThread(String rank, Duration patience) {
    this.rank = rank;
    this.patience = patience;
  }

  /** Runs a task there and waits for it; does not return where that takes too long. */
  void run(String name, Runnable task) {
    progressed();
    Future<?> future =
        thread.submit(() -> {
          progressed();
          busy = true;
          try {
            task.run();
          } finally {
            busy = false;
          }
        });
    await(name, future);
  }

  /** Says that other ranks have answered: the wait begins anew. */
  void progressed() {
    progress = System.nanoTime();
  }

  /** Whether a task runs at the moment. */
  boolean isBusy() {
    return busy;
  }

  /** Lets the thread end. */
  void end() {
    thread.shutdown();
  }

  private void await(String name, Future<?> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          future.get(LOOK_AGAIN, TimeUnit.NANOSECONDS);
          return;
        } catch (InterruptedException e) {
          interrupted = true; // the other ranks count on this one
        } catch (TimeoutException e) {
          Duration waited = Duration.ofNanos(System.nanoTime() - progress);
          if (patience.isPositive() && waited.compareTo(patience) >= 0) {
            giveUp(name);
          }
        } catch (ExecutionException e) {
          throw Posix.rethrown(e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void giveUp(String name) {
    System.err.println(
        Text.format(
            "jambic: %s waited %d seconds for the other ranks (%s) and ends the job: one of them has"
                + " stopped, or the network is down; start again, a run goes on from its last"
                + " checkpoint; if a rank is only slow, raise --rank-timeout (-D%s)",
            rank, patience.toSeconds(), name, MpiProvider.TIMEOUT));
    Runtime.getRuntime().halt(BROKEN_JOB);
  }
}

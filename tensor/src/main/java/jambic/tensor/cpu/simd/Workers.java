package jambic.tensor.cpu.simd;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed pool: the caller plus {@code threads - 1} daemon workers that spin briefly, then park.
 *
 * <p>A launch costs about a microsecond while the workers are hot, which is what kernels of some
 * tens of microseconds need; a pool that has been idle for longer burns no processor time. Results
 * never depend on the number of threads as long as the pieces of work do not: callers cut work in
 * pieces whose size is fixed by the problem, and the pool only decides who runs which piece.
 *
 * <p>Every worker has a share of neighbouring pieces, the same part of every launch, and takes from
 * others only when his own is used up. So rows that one kernel wrote are read by the next one on
 * the same core, from its own cache; reading what another core has just written is much slower
 * where the two share no cache.
 *
 * <p>One call of {@link #parallel} runs at a time; a nested or concurrent call is refused.
 */
public final class Workers implements AutoCloseable {

  /** One piece of work. */
  @FunctionalInterface
  public interface Task {
    /**
     * Runs one piece.
     *
     * @param index which piece, from 0
     * @param worker who runs it, in {@code [0, threads())}: names the scratch to use
     */
    void run(int index, int worker);
  }

  /** Arrays begin 16 bytes behind a cache line, or should: this many elements complete it. */
  public static final int ALIGN = 12;

  /** How long a thread waits hot before it parks. Waking a parked thread costs tens of them. */
  private static final long SPIN_NANOS = 200_000;

  private static final int SPINS_PER_CLOCK_READ = 32;

  /** Longs between the shares: two cache lines, which processors fetch together. */
  private static final int APART = 16;

  /**
   * For each worker's share, the launch number in the high half, the pieces nobody has claimed yet
   * in the low half. A claim is a compare-and-set of both, so a worker that comes late can never
   * claim a piece of a launch it has not seen; and while a claimed piece is unfinished its launch
   * cannot end, so {@code task} and {@code count} are stable for whoever holds a piece.
   */
  private final AtomicLongArray unclaimed;

  private final AtomicInteger unfinished = new AtomicInteger();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final AtomicBoolean busy = new AtomicBoolean();
  private final Worker[] workers;
  private final float[][] scratch;

  private Task task = (index, worker) -> {};
  private int count;
  private volatile boolean callerParked;
  private Thread caller = Thread.currentThread();
  private volatile boolean closed;

  /**
   * Starts the workers.
   *
   * @param threads how many threads work on a launch, the caller included; at least 1
   */
  public Workers(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    unclaimed = new AtomicLongArray((threads + 1) * APART);
    scratch = new float[threads][0];
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
    }
    for (Worker worker : workers) {
      worker.start();
    }
  }

  /**
   * The number of threads that work on a launch.
   *
   * @return the caller plus the workers
   */
  public int threads() {
    return scratch.length;
  }

  /**
   * Runs {@code task} for every index in {@code [0, count)} and returns when all are done. The
   * indexes of a share are claimed in rising order; the caller takes part as worker 0. Everything
   * the caller wrote before is visible to the task, and everything the task wrote is visible to the
   * caller afterwards.
   *
   * <p>After a piece has thrown, pieces not yet begun are skipped and the first exception is
   * rethrown here.
   *
   * @param count how many pieces; 0 does nothing
   * @param task what to run
   */
  public void parallel(int count, Task task) {
    if (closed) {
      throw new IllegalStateException("the worker pool is closed");
    }
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the worker pool already runs a task");
    }
    try {
      if (count <= 1 || workers.length == 0) {
        for (int i = 0; i < count; i++) {
          task.run(i, 0); // scratch 0 is in use: no other launch may be
        }
      } else {
        launch(count, task);
      }
    } finally {
      busy.set(false);
    }
  }

  private void launch(int count, Task task) {
    this.task = task;
    this.count = count;
    caller = Thread.currentThread();
    unfinished.set(count);
    long launch = launchOf(unclaimed.get(at(0))) + 1;
    for (int share = scratch.length - 1; share >= 0; share--) {
      int pieces = start(share + 1) - start(share);
      unclaimed.set(at(share), launch << 32 | pieces);
      if (share > 0 && pieces > 0) {
        workers[share - 1].wake();
      }
    }
    work(0);
    awaitFinish();
    Throwable first = failure.getAndSet(null);
    if (first instanceof RuntimeException e) {
      throw e;
    } else if (first instanceof Error e) {
      throw e;
    } else if (first != null) {
      throw new IllegalStateException("a task threw a checked exception", first);
    }
  }

  private static int at(int share) {
    return (share + 1) * APART;
  }

  private static int launchOf(long claims) {
    return (int) (claims >>> 32);
  }

  /** The index of a share's first piece. */
  private int start(int share) {
    return (int) Math.ceilDiv((long) count * share, scratch.length);
  }

  /** Runs the pieces of the worker's own share, then what is left of the others'. */
  private void work(int worker) {
    int launch = launchOf(unclaimed.get(at(worker)));
    int share = worker;
    do {
      int done = 0;
      while (claimAndRun(share, launch, worker)) {
        done++;
      }
      finish(done);
      share = share + 1 == scratch.length ? 0 : share + 1;
    } while (share != worker);
  }

  private boolean claimAndRun(int share, int launch, int worker) {
    long seen;
    int left;
    do {
      seen = unclaimed.get(at(share));
      left = (int) seen;
      if (left == 0 || launchOf(seen) != launch) {
        return false;
      }
    } while (!unclaimed.compareAndSet(at(share), seen, seen - 1));
    try {
      if (failure.getPlain() == null) {
        task.run(start(share + 1) - left, worker);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
    return true;
  }

  private void finish(int pieces) {
    Thread waiter = caller;
    if (pieces > 0 && unfinished.addAndGet(-pieces) == 0 && callerParked) {
      LockSupport.unpark(waiter);
    }
  }

  private void awaitFinish() {
    if (spinUntilFinished()) {
      return;
    }
    callerParked = true;
    boolean interrupted = false;
    while (unfinished.get() != 0) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    callerParked = false;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean spinUntilFinished() {
    long start = System.nanoTime();
    do {
      for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
        if (unfinished.get() == 0) {
          return true;
        }
        Thread.onSpinWait();
      }
    } while (System.nanoTime() - start < SPIN_NANOS);
    return false;
  }

  /**
   * Working memory of one worker, reused from call to call: it grows to the largest request and is
   * never zeroed. A second request by the same worker returns the same memory.
   *
   * @param worker in {@code [0, threads())}
   * @param floats how many elements are needed
   * @return an array of at least {@code floats} elements
   */
  public float[] scratch(int worker, int floats) {
    float[] own = scratch[worker];
    if (own.length < floats) {
      own = new float[floats];
      scratch[worker] = own;
    }
    return own;
  }

  /** Lets the workers end. The pool accepts no further work; closing twice does nothing. */
  @Override
  public void close() {
    closed = true;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
  }

  private final class Worker extends Thread {
    private final int index;
    private volatile boolean parked;

    Worker(int index) {
      super("jambic-worker-" + index);
      this.index = index;
      setDaemon(true);
    }

    @Override
    public void run() {
      while (awaitWork()) {
        work(index);
      }
    }

    /** Waits for a launch that has pieces left; false when the pool is closed. */
    private boolean awaitWork() {
      long start = System.nanoTime();
      do {
        for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
          if (hasWork()) {
            return true;
          }
          Thread.onSpinWait();
        }
      } while (System.nanoTime() - start < SPIN_NANOS);
      // The flag goes up before the last look, and a launch is published before the flag is read:
      // one of the two sides always sees the other.
      parked = true;
      while (!hasWork() && !closed) {
        LockSupport.park(Workers.this);
        Thread.interrupted();
      }
      parked = false;
      return hasWork() || !closed;
    }

    private boolean hasWork() {
      return (int) unclaimed.get(at(index)) != 0;
    }

    private void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }
  }
}

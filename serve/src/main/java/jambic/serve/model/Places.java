package jambic.serve.model;

import java.util.concurrent.atomic.AtomicInteger;

/** How many texts of a model are in work, and how many there may be. */
final class Places {
  private final AtomicInteger taken = new AtomicInteger();
  private final int most;

  Places(EngineOptions options) {
    most = (int) Math.min(Integer.MAX_VALUE, (long) options.batch() + options.queue());
  }

  int taken() {
    return taken.get();
  }

  /** Whether there was room; who comes alone may bring more than there is. */
  boolean enter(int texts) {
    int before = taken.getAndUpdate(n -> n == 0 || n + texts <= most ? n + texts : n);
    return before == 0 || before + texts <= most;
  }

  void leave(int texts) {
    taken.addAndGet(-texts);
  }
}

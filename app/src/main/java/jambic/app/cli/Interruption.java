package jambic.app.cli;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/**
 * Turns Ctrl-C and a polite kill into a request: a command that listens ends its iteration and
 * saves, and only then does the process go.
 */
public final class Interruption {
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile Optional<Runnable> listener = Optional.empty();
  private volatile boolean requested;

  /** From now on the process does not go before it {@linkplain #end ended} or nobody listens. */
  public void install() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::request, "interruption"));
  }

  private void request() {
    requested = true;
    try {
      if (listener.isPresent()) {
        listener.get().run();
        ended.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Promises to look at {@link #isRequested} often.
   *
   * @param answer says at once that the request was heard
   */
  public void listen(Runnable answer) {
    listener = Optional.of(answer);
  }

  /** Whether someone wants the process to end. */
  public boolean isRequested() {
    return requested;
  }

  /** All is done and said. */
  public void end() {
    ended.countDown();
  }
}

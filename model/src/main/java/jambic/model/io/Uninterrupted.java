package jambic.model.io;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;

/**
 * Works with channels on a thread that may be interrupted. An interrupt closes a channel, so that
 * what is asked of a run to end early would also keep it from being saved. The streams of {@link
 * java.nio.file.Files} need no such care: an interrupt does not close them.
 */
public final class Uninterrupted {
  private Uninterrupted() {}

  /**
   * What is done with channels.
   *
   * @param <T> its result
   */
  @FunctionalInterface
  public interface Action<T> {
    /**
     * Opens its channels and does its work; called again if an interrupt closed them.
     *
     * @return the result
     * @throws IOException if that fails
     */
    T run() throws IOException;
  }

  /**
   * Does something to its end. If the thread is interrupted before or meanwhile, it is so
   * afterwards.
   *
   * @param <T> its result
   * @param action what to do, which may be done more than once
   * @return the result
   * @throws IOException if the action does
   */
  public static <T> T call(Action<T> action) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return action.run();
        } catch (ClosedByInterruptException e) {
          Thread.interrupted();
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

package jambic.mpi;

import jambic.tensor.text.Text;

/**
 * Ends the whole job where a rank exits without having left it. Some launchers take the exit code 0
 * for success and leave the others waiting. A signal has a code of its own, and who gets one may
 * still save and leave.
 */
final class ExitGuard {
  private final Thread hook;

  private ExitGuard(Thread hook) {
    this.hook = hook;
  }

  /**
   * Watches the exit of this process from now on.
   *
   * @param rank this process, in words
   */
  static ExitGuard install(String rank) {
    Thread hook = new Thread(() -> end(rank), "jambic-mpi-exit");
    Runtime.getRuntime().addShutdownHook(hook);
    return new ExitGuard(hook);
  }

  /** This rank has left the job. */
  void remove() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending by a signal, and the hook has run.
    }
  }

  private static void end(String rank) {
    if (!isSignalled()) {
      System.err.println(
          Text.format("jambic: %s exits before the job is done, which ends it", rank));
      Runtime.getRuntime().halt(MpiThread.BROKEN_JOB);
    }
  }

  /** The JVM has a thread for each signal it answers, which waits for the hooks. */
  private static boolean isSignalled() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().matches("SIG[A-Z0-9]+ handler"));
  }
}

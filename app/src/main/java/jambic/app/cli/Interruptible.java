package jambic.app.cli;

/** The root command, as far as others know it: whether the user asked to stop. */
public interface Interruptible {
  /** The exit code after Ctrl-C, as shells have it. */
  int INTERRUPTED = 130;

  /** Whether to stop, and who wants to hear of it. */
  Interruption interruption();
}

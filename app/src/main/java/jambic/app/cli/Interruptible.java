package jambic.app.cli;

import jambic.app.ranks.Job;

/**
 * The root command, as far as others know it: whether the user asked to stop, and with whom it
 * works.
 */
public interface Interruptible {
  /** The exit code after Ctrl-C, as shells have it. */
  int INTERRUPTED = 130;

  /** Whether to stop, and who wants to hear of it. */
  Interruption interruption();

  /** The job of ranks that this process belongs to. */
  Job job();
}

package jambic.app.watch;

import jambic.app.run.Watcher;
import picocli.CommandLine.Option;

/** Whether a run is shown in the browser while it trains. */
public final class WatchOption {
  @Option(
      names = "--watch",
      description = {
        "Show this run and those beside it in the browser while it trains, as jambic watch does, at",
        "port 6006 or, where that is taken, another."
      })
  private boolean watch;

  /** For the command line. */
  public WatchOption() {}

  /** Shows the run, if that was asked for. */
  public Watcher watcher() {
    return watch ? WatchServer::beside : Watcher.NONE;
  }
}

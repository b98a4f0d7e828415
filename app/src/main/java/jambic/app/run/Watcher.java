package jambic.app.run;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** Shows a run while it goes on. */
@FunctionalInterface
public interface Watcher {
  /** Shows nothing. */
  Watcher NONE = folder -> Optional::empty;

  /** Until it is closed. */
  @FunctionalInterface
  interface Watch extends AutoCloseable {
    /** Where it is shown, if it is. */
    Optional<URI> address();

    @Override
    default void close() {}
  }

  /** Begins to show the run of a folder. */
  Watch begin(Path folder);
}

package jambic.tensor.spi;

import jambic.tensor.JambicException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A way for processes to form a job, found by {@link java.util.ServiceLoader}. */
public interface CommunicatorProvider {
  /**
   * Returns the communicator of the job this process was started in, or empty without a launcher.
   *
   * @return the communicator, which the caller closes; empty if no launcher started this process
   * @throws JambicException if a launcher did, but the job cannot be joined: why, and what to do
   */
  Optional<Communicator> open();

  /**
   * This process's number as the launcher says it, without joining a job; never throws.
   *
   * @return the number; empty if no launcher started this process, or it says none
   */
  default OptionalInt rank() {
    return OptionalInt.empty();
  }

  /**
   * Looks at what {@link #open} would use, without joining a job; never throws.
   *
   * @return lines for people; empty if there is nothing to tell
   */
  default List<String> details() {
    return List.of();
  }
}

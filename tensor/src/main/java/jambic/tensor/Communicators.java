package jambic.tensor;

import jambic.tensor.spi.Communicator;
import jambic.tensor.spi.CommunicatorProvider;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;

/** Finds and joins the job of processes that this one was started in. */
public final class Communicators {
  private Communicators() {}

  /**
   * Every provider on the module path.
   *
   * @return the providers, whether there is a job or not
   */
  public static List<CommunicatorProvider> providers() {
    return ServiceLoader.load(CommunicatorProvider.class, Communicators.class.getClassLoader())
        .stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /**
   * This process's number as a launcher says it, whether it joins the job or not.
   *
   * @return the number; 0 if no launcher started this process, or it says none
   */
  public static int rank() {
    return providers().stream()
        .map(CommunicatorProvider::rank)
        .flatMapToInt(OptionalInt::stream)
        .findFirst()
        .orElse(0);
  }

  /**
   * Joins the job that a launcher such as {@code mpirun} started this process in. A process joins
   * once: whoever opens it passes it on.
   *
   * <p>How many seconds a collective waits for other ranks before it ends the process, the system
   * property {@code jambic.rank.timeout} says (600 if it is not set, 0 for no limit), which is read
   * here.
   *
   * @return the communicator, which the caller closes; empty if no launcher started this process
   * @throws JambicException if a launcher did, but the job cannot be joined: why, and what to do
   */
  public static Optional<Communicator> open() {
    for (CommunicatorProvider provider : providers()) {
      Optional<Communicator> communicator = provider.open();
      if (communicator.isPresent()) {
        return communicator;
      }
    }
    return Optional.empty();
  }
}

package jambic.mpi;

import jambic.tensor.JambicException;
import jambic.tensor.spi.Communicator;
import jambic.tensor.spi.CommunicatorProvider;
import jambic.tensor.text.Text;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Joins a job by the machine's MPI library, where a launcher of MPI started this process. */
public final class MpiProvider implements CommunicatorProvider {
  /** The property that says how many seconds a collective waits for other ranks. */
  static final String TIMEOUT = "jambic.rank.timeout";

  private static final Duration USUAL_PATIENCE = Duration.ofMinutes(10);

  /** For the service loader. */
  public MpiProvider() {}

  @Override
  public Optional<Communicator> open() {
    return open(Chunks.BYTES);
  }

  /** The same with calls of other sizes. */
  Optional<Communicator> open(int chunkBytes) {
    Duration patience = patience(System.getProperty(TIMEOUT, ""));
    return Launcher.find(System.getenv())
        .map(launcher ->
            MpiCommunicator.join(
                launcher,
                LibrarySearch.ofProcess().load(Optional.of(launcher.kind())),
                patience,
                chunkBytes));
  }

  /** Reads the property. */
  static Duration patience(String seconds) {
    if (seconds.isBlank()) {
      return USUAL_PATIENCE;
    }
    try {
      int number = Integer.parseInt(seconds.strip());
      if (number >= 0) {
        return Duration.ofSeconds(number);
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new JambicException(
        Text.format("%s must be a number of seconds, or 0 for no limit, not %s", TIMEOUT, seconds));
  }

  @Override
  public OptionalInt rank() {
    try {
      return Launcher.find(System.getenv()).map(Launcher::rank).orElseGet(OptionalInt::empty);
    } catch (JambicException e) {
      return OptionalInt.empty(); // open says it
    }
  }

  @Override
  public List<String> details() {
    try {
      Optional<Launcher> launcher = Launcher.find(System.getenv());
      MpiLibrary library = LibrarySearch.ofProcess().load(launcher.map(Launcher::kind));
      return List.of(
          library.description()
              + launcher.map(by -> ", started by " + by.description()).orElse(", no launcher"),
          library.abi());
    } catch (JambicException e) {
      return List.of(e.getMessage());
    }
  }
}

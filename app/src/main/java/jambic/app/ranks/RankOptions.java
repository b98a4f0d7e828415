package jambic.app.ranks;

import jambic.app.terminal.Terminal;
import jambic.model.io.AtomicFolder;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.parallel.DataParallel;
import jambic.train.run.RunCheckpoints;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** Training on all ranks that a launcher started. */
public final class RankOptions {
  private static final String TIMEOUT = "jambic.rank.timeout";

  @Option(
      names = "--rank-timeout",
      paramLabel = "SECONDS",
      description = {
        "Under a launcher such as mpirun: end the job when a rank has waited so long for",
        "another; 0 waits for ever. Default: 600."
      })
  private Optional<Integer> timeout = Optional.empty();

  private DataParallel ranks = DataParallel.alone();

  /**
   * Joins the job that this process was started in, if it was.
   *
   * @param command for errors
   * @param job of this process
   * @return this rank's share
   */
  public DataParallel join(CommandLine command, Job job) {
    if (timeout.isPresent()) {
      if (timeout.get() < 0) {
        throw new ParameterException(
            command, "--rank-timeout must be 0 or more seconds, not " + timeout.get());
      }
      System.setProperty(TIMEOUT, timeout.get().toString());
    }
    ranks = job.join();
    return ranks;
  }

  /**
   * The terminal of this rank: only the first one's is seen.
   *
   * @param first makes that of the first rank
   * @return a terminal
   */
  public Terminal terminal(Supplier<Terminal> first) {
    return ranks.isFirst() ? first.get() : Terminal.plain(new PrintWriter(Writer.nullWriter()));
  }

  /**
   * Does something that writes files for all: the first rank does it, then the others, who find it
   * done.
   *
   * @param <T> what it makes
   * @param body what to do
   * @return what it made
   */
  public <T> T firstOnFirst(Supplier<T> body) {
    if (!ranks.isShared()) {
      return body.get();
    }
    ranks.gather(0L); // all have looked at the run's folder before the first one writes there
    if (!ranks.isFirst()) {
      ranks.ofFirst("");
    }
    T made = body.get();
    if (ranks.isFirst()) {
      ranks.ofFirst("");
    }
    return made;
  }

  /**
   * Refuses ranks of which some do not see the run that they are to go on with.
   *
   * @param run its folder
   */
  public void requireVisible(Path run) {
    Path last = run.resolve(RunCheckpoints.LAST);
    OptionalInt blind = ranks.differing(AtomicFolder.exists(last) ? 1 : 0);
    if (blind.isPresent()) {
      throw new JambicException(
          Text.format(
              "of rank 0 and rank %d only one sees %s, and every rank reads it; share the run's"
                  + " folder, or copy it to every machine",
              blind.getAsInt(), last));
    }
  }

  /**
   * The folder of a run without a name, which the first rank chooses.
   *
   * @param fresh makes it
   * @return the folder, the same on all ranks
   */
  public Path folder(Supplier<Path> fresh) {
    return ranks.isShared()
        ? Path.of(ranks.ofFirst(ranks.isFirst() ? fresh.get().toString() : ""))
        : fresh.get();
  }
}

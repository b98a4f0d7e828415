package jambic.app.ranks;

import jambic.tensor.Backends;
import jambic.tensor.Communicators;
import jambic.tensor.spi.Communicator;
import jambic.tensor.text.Text;
import jambic.train.parallel.DataParallel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * The job of processes that a launcher such as {@code mpirun} started this one in. A command that
 * trains joins it; whatever a command returns, the process leaves it at its end.
 */
public final class Job {
  /** How long the first rank has to say a failure that all ranks have, before another says it. */
  private static final Duration FIRST_SPEAKS = Duration.ofSeconds(2);

  private Optional<Communicator> joined = Optional.empty();

  /**
   * Joins the job, if a launcher started this process.
   *
   * @return this rank's share of what is trained; that of a process alone without a launcher
   */
  public DataParallel join() {
    if (joined.isEmpty()) {
      joined = Communicators.open();
    }
    return joined.map(DataParallel::over).orElseGet(DataParallel::alone);
  }

  /**
   * Leaves the job at the end of a command: together with all ranks, or by ending all of them where
   * this one failed.
   *
   * @param code what this process exits with
   * @param failed whether the others must not go on
   */
  public void leave(int code, boolean failed) {
    if (joined.isEmpty()) {
      return;
    }
    Communicator communicator = joined.get();
    if (failed && communicator.size() > 1) {
      communicator.abort(code);
    } else {
      communicator.close();
    }
  }

  /** Lets the first rank speak where all fail alike: its end ends the others before they speak. */
  public void waitToSpeak() {
    if (rank() > 0) {
      try {
        Thread.sleep(FIRST_SPEAKS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * This rank's name before a sentence of its own.
   *
   * @return words to begin with; none on the first rank and without a launcher
   */
  public String name() {
    return rank() > 0 ? "rank " + rank() + ": " : "";
  }

  /** Before the job is joined, as for a mistake on the command line, the launcher says it. */
  private int rank() {
    return joined.map(Communicator::rank).orElseGet(Communicators::rank);
  }

  /**
   * How many threads this rank may use, so that those of one machine share its processors.
   *
   * @return at least 1
   */
  public int threads() {
    return share().threads;
  }

  /**
   * A sentence on processors that the launcher keeps from its ranks.
   *
   * @return the sentence, on the first rank; empty if they have them all, or nobody knows
   */
  public Optional<String> boundWarning() {
    Share share = share();
    return join().isFirst() && share.used < share.there
        ? Optional.of(
            Text.format(
                "the launcher binds the ranks of this machine to %d of its %d processors; 'mpirun"
                    + " --bind-to none' lets them use all",
                share.used, share.there))
        : Optional.empty();
  }

  private record Share(int threads, int used, int there) {}

  /** What the ranks of this machine may run on; those that share a processor divide it. */
  private Share share() {
    DataParallel ranks = join();
    if (!ranks.isShared()) {
      return new Share(Backends.processors(), 1, 1);
    }
    String host = read(Path.of("/proc/sys/kernel/hostname")).strip();
    String mine = allowed();
    List<String> all = ranks.gather(host + "\t" + mine);
    int local = joined.orElseThrow().localSize();
    if (mine.isEmpty()) {
      return new Share(Math.max(1, Backends.processors() / local), 1, 1);
    }
    BitSet own = processors(mine);
    BitSet used = new BitSet();
    double share = 0;
    for (int processor : own.stream().toArray()) {
      int rivals = 0;
      for (String each : all) {
        String[] parts = each.split("\t", -1);
        if (parts[0].equals(host)) {
          BitSet theirs = processors(parts[1]);
          used.or(theirs);
          rivals += theirs.get(processor) ? 1 : 0;
        }
      }
      share += 1.0 / Math.max(1, rivals);
    }
    String online = read(Path.of("/sys/devices/system/cpu/online")).strip();
    int there = online.isEmpty() ? used.cardinality() : processors(online).cardinality();
    int threads = Math.min((int) (share + 1e-9), Backends.processors());
    return new Share(Math.max(1, threads), used.cardinality(), there);
  }

  /** The processors that this process may run on, as Linux lists them: {@code 0-3,8}. */
  private static String allowed() {
    return read(Path.of("/proc/self/status"))
        .lines()
        .filter(line -> line.startsWith("Cpus_allowed_list:"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse("");
  }

  static BitSet processors(String list) {
    BitSet processors = new BitSet();
    for (String range : list.split(",")) {
      String[] ends = range.strip().split("-");
      if (!ends[0].isEmpty()) {
        processors.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
      }
    }
    return processors;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException notLinux) {
      return "";
    }
  }
}

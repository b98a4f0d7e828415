package jambic.mpi;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What started this process as one of several, as its environment tells.
 *
 * @param kind the launcher
 * @param rank this process's number, if the environment says it
 * @param processes how many it started, if the environment says it
 */
record Launcher(Kind kind, OptionalInt rank, OptionalInt processes) {
  /** Launchers, the most telling first: a batch system's variables are there inside others, too. */
  enum Kind {
    OPEN_MPI("Open MPI's mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    PMI("a launcher with PMI (such as MPICH's mpirun)", "PMI_RANK", "PMI_SIZE"),
    SLURM("Slurm", "SLURM_PROCID", "SLURM_NTASKS"),
    PMIX("a launcher with PMIx", "PMIX_RANK", "");

    private final String title;
    private final String rankVariable;
    private final String sizeVariable;

    Kind(String title, String rankVariable, String sizeVariable) {
      this.title = title;
      this.rankVariable = rankVariable;
      this.sizeVariable = sizeVariable;
    }

    @Override
    public String toString() {
      return title;
    }
  }

  /**
   * Looks for a launcher that started more than this process. One process alone needs no MPI, and
   * does not load it.
   *
   * @throws JambicException if a variable of a launcher is no number
   */
  static Optional<Launcher> find(Map<String, String> environment) {
    for (Kind kind : Kind.values()) {
      OptionalInt rank = number(environment, kind.rankVariable);
      OptionalInt processes = number(environment, kind.sizeVariable);
      boolean started = kind == Kind.PMIX ? rank.isPresent() : processes.isPresent();
      if (started) {
        return processes.orElse(2) > 1
            ? Optional.of(new Launcher(kind, rank, processes))
            : Optional.empty();
      }
    }
    return Optional.empty();
  }

  private static OptionalInt number(Map<String, String> environment, String variable) {
    String value = environment.getOrDefault(variable, "").strip();
    if (value.isEmpty()) {
      return OptionalInt.empty();
    }
    try {
      return OptionalInt.of(Integer.parseInt(value));
    } catch (NumberFormatException e) {
      throw new JambicException(
          Text.format(
              "the environment's %s=%s is no number; unset it, or start again with a launcher of MPI",
              variable, value),
          e);
    }
  }

  /**
   * Compares what the launcher started with what the library joined. A library of another MPI than
   * the launcher's joins nothing, and says that each process is the first of one.
   *
   * @param library what the library calls itself
   * @param joined how many processes it sees
   * @throws JambicException if these are not as many
   */
  void requireJoined(String library, int joined) {
    boolean torn = processes.isPresent() ? processes.getAsInt() != joined : torn(joined);
    if (torn) {
      throw new JambicException(
          Text.format(
              "%s started %s, but the MPI library sees %s (%s): %s",
              kind,
              processes.isPresent() ? processes(processes.getAsInt()) : "several processes",
              processes(joined),
              library,
              remedy()));
    }
  }

  /** Without a number of processes only a later rank tells. */
  private boolean torn(int joined) {
    return rank.isPresent() && rank.getAsInt() >= joined;
  }

  private String remedy() {
    return switch (kind) {
      case SLURM ->
          "start it by srun with a PMI that this library was built for (srun --mpi=list), or by the"
              + " library's own mpirun; or unset SLURM_NTASKS to run alone";
      case OPEN_MPI, PMI, PMIX ->
          "start it with the mpirun of that library, or let JAMBIC_MPI name the launcher's libmpi";
    };
  }

  private static String processes(int count) {
    return count == 1 ? "1 process" : count + " processes";
  }

  /** Says what started this process, as what. */
  String description() {
    return Text.format("%s, %s", kind, rankInWords());
  }

  /** Such as {@code rank 1 of 4}, before MPI has said it. */
  String rankInWords() {
    String number = rank.isPresent() ? "rank " + rank.getAsInt() : "a rank";
    return processes.isPresent() ? number + " of " + processes.getAsInt() : number;
  }
}

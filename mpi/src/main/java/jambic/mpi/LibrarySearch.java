package jambic.mpi;

import jambic.mpi.Launcher.Kind;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Where an MPI library may lie: what {@value #VARIABLE} names, beside the launcher, or where the
 * system's loader looks. That of the launcher's family comes first.
 *
 * @param environment the process's environment
 * @param launcher the launcher's own file, if it is known
 */
record LibrarySearch(Map<String, String> environment, Optional<Path> launcher) {
  /** The variable by which a user names the library. */
  static final String VARIABLE = "JAMBIC_MPI";

  private static final List<String> OPEN_MPI = List.of("mpi.40");

  /** Debian calls MPICH's library by its name, others do not; Cray by theirs. */
  private static final List<String> MPICH = List.of("mpich.12", "mpi.12", "mpi_cray.12");

  private static final List<String> STANDARD = List.of("mpi_abi.0", "mpi_abi.1", "mpi_abi");

  /** Of this process: what started it runs as long as it does, unless a shell lies between. */
  static LibrarySearch ofProcess() {
    return new LibrarySearch(
        System.getenv(),
        ProcessHandle.current().parent().flatMap(parent -> parent.info().command()).map(Path::of));
  }

  /**
   * Loads the first that can be loaded.
   *
   * @param kind the launcher
   * @throws JambicException if there is none: why, and what to do
   */
  MpiLibrary load(Optional<Kind> kind) {
    // UCX would take the signals by which the JVM finds null pointers and ends of stacks.
    Posix.setVariable("UCX_ERROR_SIGNALS", "");
    Posix.setVariable("UCX_DEBUG_SIGNO", "0");
    String named = environment.getOrDefault(VARIABLE, "").strip();
    if (!named.isEmpty()) {
      Optional<String> flaw = Posix.load(named);
      if (flaw.isPresent()) {
        throw new JambicException(
            Text.format(
                "%s names %s, which is no library that can be loaded (%s); let it name the file of"
                    + " libmpi, or unset it",
                VARIABLE, named, flaw.get()));
      }
      return new MpiLibrary(named);
    }
    List<String> broken = new ArrayList<>();
    for (String candidate : candidates(kind)) {
      Optional<String> flaw = Posix.load(candidate);
      if (flaw.isEmpty()) {
        return new MpiLibrary(candidate);
      }
      if (candidate.contains("/")) {
        broken.add(flaw.get());
      }
    }
    throw new JambicException(missing(broken));
  }

  private static String missing(List<String> broken) {
    return Text.format(
        "there is no MPI library%s: install Open MPI (Debian's openmpi-bin) or MPICH (mpich) on every"
            + " machine, or let %s name the file of libmpi",
        broken.isEmpty() ? "" : " that can be loaded (" + String.join("; ", broken) + ")",
        VARIABLE);
  }

  /** Files that are there, and names that the loader looks up. */
  List<String> candidates(Optional<Kind> kind) {
    List<String> names = new ArrayList<>();
    for (String name : order(kind)) {
      names.add(fileName(name, Posix.isMac()));
    }
    List<String> candidates = new ArrayList<>();
    for (Path folder : folders()) {
      for (String name : names) {
        Path file = folder.resolve(name);
        if (Files.isRegularFile(file)) {
          candidates.add(file.toString());
        }
      }
    }
    candidates.addAll(names);
    return candidates;
  }

  private static List<String> order(Optional<Kind> kind) {
    List<List<String>> families =
        kind.filter(Kind.PMI::equals).isPresent()
            ? List.of(MPICH, STANDARD, OPEN_MPI)
            : List.of(OPEN_MPI, STANDARD, MPICH);
    return families.stream().flatMap(List::stream).toList();
  }

  /** {@code mpi.40} is libmpi.so.40 on Linux and libmpi.40.dylib on macOS. */
  static String fileName(String name, boolean mac) {
    if (mac) {
      return "lib" + name + ".dylib";
    }
    int dot = name.indexOf('.');
    return dot < 0
        ? "lib" + name + ".so"
        : "lib" + name.substring(0, dot) + ".so" + name.substring(dot);
  }

  /** The libraries of a launcher lie beside it: PREFIX/bin/mpirun, PREFIX/lib/libmpi.so.40. */
  private Set<Path> folders() {
    Set<Path> folders = new LinkedHashSet<>();
    folder(environment.getOrDefault("MPI_HOME", "")).ifPresent(home -> addLibraries(folders, home));
    launcher
        .flatMap(file -> Optional.ofNullable(file.getParent()))
        .flatMap(bin -> Optional.ofNullable(bin.getParent()))
        .filter(prefix -> !prefix.equals(Path.of("/usr"))) // the loader knows those
        .ifPresent(prefix -> addLibraries(folders, prefix));
    return folders;
  }

  private static void addLibraries(Set<Path> folders, Path prefix) {
    folders.add(prefix.resolve("lib"));
    folders.add(prefix.resolve("lib64"));
  }

  private static Optional<Path> folder(String name) {
    try {
      return name.isEmpty() ? Optional.empty() : Optional.of(Path.of(name).toAbsolutePath());
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }
}

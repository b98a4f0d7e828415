package jambic.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.mpi.Launcher.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarySearchTest {
  @TempDir private Path root;

  private Path library(String path) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  @Test
  void filesAreNamedAsTheSystemDoes() {
    assertThat(LibrarySearch.fileName("mpi.40", false)).isEqualTo("libmpi.so.40");
    assertThat(LibrarySearch.fileName("mpi_abi", false)).isEqualTo("libmpi_abi.so");
    assertThat(LibrarySearch.fileName("mpi.40", true)).isEqualTo("libmpi.40.dylib");
  }

  @Test
  void theLaunchersOwnKindComesFirst() {
    LibrarySearch search = new LibrarySearch(Map.of(), Optional.empty());
    String open = LibrarySearch.fileName("mpi.40", Posix.isMac());
    String mpich = LibrarySearch.fileName("mpich.12", Posix.isMac());
    assertThat(search.candidates(Optional.of(Kind.OPEN_MPI))).startsWith(open).contains(mpich);
    assertThat(search.candidates(Optional.of(Kind.PMI))).startsWith(mpich).contains(open);
    assertThat(search.candidates(Optional.empty())).startsWith(open);
  }

  @Test
  void aLibraryBesideTheLauncherComesBeforeTheSystems() throws IOException {
    String name = LibrarySearch.fileName("mpi.40", Posix.isMac());
    Path mine = library("opt/openmpi/lib/" + name);
    Path launcher = library("opt/openmpi/bin/orted");
    assertThat(new LibrarySearch(Map.of(), Optional.of(launcher)).candidates(Optional.empty()))
        .startsWith(mine.toString(), name);
    Path home = library("home/lib64/" + name);
    assertThat(
            new LibrarySearch(Map.of("MPI_HOME", root + "/home"), Optional.of(launcher))
                .candidates(Optional.empty()))
        .startsWith(home.toString(), mine.toString(), name);
  }

  @Test
  void aLauncherOfTheSystemHasItsLibraryWhereTheLoaderLooks() {
    assertThat(
            new LibrarySearch(Map.of(), Optional.of(Path.of("/usr/bin/mpirun.openmpi")))
                .candidates(Optional.empty()))
        .allMatch(candidate -> !candidate.contains("/"));
  }
}

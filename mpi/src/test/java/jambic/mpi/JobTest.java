package jambic.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs of several processes on this machine; skipped where there is no mpirun. */
class JobTest {
  private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

  @BeforeAll
  static void skipWithoutLauncher() {
    Job.isOpenMpi();
  }

  @Test
  void aSingleProcessIsNoJobAndLoadsNoMpi() throws Exception {
    Job job = Job.of(Map.of("JAMBIC_MPI", "/nowhere/libmpi.so"), 1, "move");
    assertThat(job.lines()).containsExactly("alone");
    assertThat(job.code()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void bytesOfAnySizeInAnyMemoryReachTheRanksTheyAreFor(int size) throws Exception {
    Job job = Job.of(size, "move");
    List<String> expected =
        IntStream.range(0, size)
            .boxed()
            .flatMap(rank ->
                List.of(
                    "rank %d of %d, %d of %d here".formatted(rank, size, rank, size),
                    "moved 24",
                    "closed " + rank)
                    .stream())
            .toList();
    assertThat(job.lines()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(job.code()).isZero();
  }

  @Test
  void wrongArgumentsAndCallsAfterTheEndAreRefused() throws Exception {
    Job job = Job.of(2, "refuse");
    assertThat(job.output())
        .doesNotContain("took it")
        .contains(
            "there is no rank 2 among 2 to broadcast from",
            "there is no rank -1 among 2",
            "3 and 3 bytes are not the same 2 parts to exchange",
            "3 and 4 bytes are not the same 2 parts to exchange",
            "4 bytes are not 2 parts of 3 to gather",
            "an exit code of a failure is from 1 to 255, not 0",
            "this process has joined its job before",
            "broadcast after the communicator was closed");
    assertThat(job.code()).isZero();
  }

  @Test
  void anAbortEndsAllRanksWithItsCode() throws Exception {
    Job job = Job.of(2, "abort");
    assertThat(job.output()).doesNotContain("arrived", "closed");
    assertThat(job.code()).isEqualTo(42);
    assertThat(job.took()).isLessThan(TEN_SECONDS);
  }

  @Test
  void anAbortWhileAnotherThreadWaitsForRanksEndsAllOfThem() throws Exception {
    Job job = Job.of(2, "abort-inside");
    assertThat(job.output()).doesNotContain("arrived", "closed");
    assertThat(job.code()).isEqualTo(43);
    assertThat(job.took()).isLessThan(TEN_SECONDS);
  }

  @Test
  void aKilledRankEndsTheJob() throws Exception {
    Job job = Job.of(2, "kill");
    assertThat(job.output()).doesNotContain("arrived", "closed");
    assertThat(job.code()).isNotZero();
    assertThat(job.took()).isLessThan(TEN_SECONDS);
  }

  @Test
  void aRankThatDoesNotComeEndsTheJobAfterTheTimeout() throws Exception {
    Job job = Job.of(2, "absent", "-Djambic.rank.timeout=3");
    assertThat(job.output())
        .doesNotContain("arrived", "closed")
        .containsOnlyOnce("jambic: rank 0 of 2 waited 3 seconds for the other ranks (gatherAll)");
    assertThat(job.code()).isNotZero();
    assertThat(job.took()).isBetween(Duration.ofSeconds(3), Duration.ofSeconds(3 + 5 + 3));
  }

  @Test
  void aRankThatExitsWithoutLeavingEndsTheJobAsAFailure() throws Exception {
    Job job = Job.of(2, "exit");
    assertThat(job.output())
        .doesNotContain("arrived", "closed")
        .containsOnlyOnce("jambic: rank 1 of 2 exits before the job is done, which ends it");
    assertThat(job.code()).isNotZero();
    assertThat(job.took()).isLessThan(TEN_SECONDS);
  }

  @Test
  void aRankThatIsAskedToEndMayStillSave() throws Exception {
    Job job = Job.of(2, "stop");
    assertThat(job.output()).contains("saved").doesNotContain("arrived", "closed");
    assertThat(job.code()).isNotZero();
    assertThat(job.took()).isLessThan(TEN_SECONDS);
  }

  @Test
  void nullPointersAndStackOverflowsAreSurvivedBesideMpi() throws Exception {
    Job job = Job.of(2, "faults");
    assertThat(job.lines())
        .filteredOn(line -> line.equals("2000 null pointers, 3 stack overflows, sum 0"))
        .hasSize(2);
    assertThat(job.code()).isZero();
  }

  @Test
  void errorsHaveTheTextOfMpi() throws Exception {
    Job job = Job.of(2, "error");
    assertThat(job.output())
        .doesNotContain("took it")
        .containsPattern("MPI_Bcast failed with error \\d+ \\(.*root.*\\): a rank or the network");
    assertThat(job.code()).isZero();
  }

  @Test
  void aLibraryThatIsNoneIsNamed() throws Exception {
    Job job = Job.of(Map.of("JAMBIC_MPI", "/nowhere/libmpi.so"), 2, "move");
    assertThat(job.output())
        .contains("refused: JAMBIC_MPI names /nowhere/libmpi.so, which is no library")
        .doesNotContain("moved");
    assertThat(job.code()).isNotZero();
  }

  @Test
  void aLibraryOfAnotherKindIsNamed() throws Exception {
    Path other = Path.of(System.getProperty("java.home"), "lib", "libsyslookup.so");
    assertThat(Files.exists(other)).isTrue();
    Job job = Job.of(Map.of("JAMBIC_MPI", other.toString()), 2, "move");
    assertThat(job.output()).contains("refused: " + other + " lacks the function MPI_");
    assertThat(job.code()).isNotZero();
  }

  /** As if MPICH's mpirun had started two processes of an Open MPI program. */
  @Test
  void aLibraryThatDoesNotSeeTheOtherProcessesIsRefused() throws Exception {
    assumeTrue(Job.isOpenMpi(), "this test starts Open MPI's library");
    Job job =
        Job.alone(Map.of("PMI_SIZE", "4", "PMI_RANK", "2", "JAMBIC_MPI", "libmpi.so.40"), "move");
    assertThat(job.output())
        .contains("refused: a launcher with PMI (such as MPICH's mpirun) started 4 processes, but")
        .contains("sees 1 process (Open MPI v")
        .doesNotContain("moved");
    assertThat(job.code()).isEqualTo(1);
    assertThat(job.took()).isLessThan(Duration.ofSeconds(5));
  }

  /** Without a library that has that ABI, one that is written for the test stands over Open MPI. */
  @Test
  void theStandardAbiServes(@TempDir Path folder) throws Exception {
    assumeTrue(Job.isOpenMpi(), "the stand-in for the standard ABI stands over Open MPI");
    Path library = standardAbi(folder);
    Map<String, String> variables = Map.of("JAMBIC_MPI", library.toString());
    Job moved = Job.of(variables, 2, "move");
    assertThat(moved.lines()).contains("moved 24", "closed 0", "closed 1");
    assertThat(moved.code()).isZero();
    Job refused = Job.of(variables, 2, "error");
    assertThat(refused.output()).containsPattern("MPI_Bcast failed with error \\d+ \\(.*root");
    assertThat(refused.code()).isZero();
  }

  private static Path standardAbi(Path folder) throws Exception {
    Path source = folder.resolve("standard_abi.c");
    try (InputStream text = JobTest.class.getResourceAsStream("/standard_abi.c")) {
      Files.copy(text, source);
    }
    Path library = folder.resolve("libmpi_abi.so.0");
    try {
      Process compiler =
          new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library + "", source + "", "-ldl")
              .redirectErrorStream(true)
              .start();
      String said = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(compiler.waitFor()).as(said).isZero();
    } catch (IOException e) {
      abort("the standard ABI is not tested: there is no C compiler (cc) here");
    }
    return library;
  }
}

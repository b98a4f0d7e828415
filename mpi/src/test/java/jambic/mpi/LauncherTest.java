package jambic.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.mpi.Launcher.Kind;
import jambic.tensor.JambicException;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class LauncherTest {
  private static final Map<String, String> OPEN_MPI =
      Map.of("OMPI_COMM_WORLD_SIZE", "4", "OMPI_COMM_WORLD_RANK", "2", "PMIX_RANK", "2");

  private static Launcher launcher(Map<String, String> environment) {
    return Launcher.find(environment).orElseThrow();
  }

  @Test
  void withoutALauncherThereIsNone() {
    assertThat(Launcher.find(Map.of("PATH", "/usr/bin", "SLURM_JOB_ID", "7"))).isEmpty();
  }

  @Test
  void launchersAreKnownByTheirVariables() {
    assertThat(launcher(OPEN_MPI))
        .isEqualTo(new Launcher(Kind.OPEN_MPI, OptionalInt.of(2), OptionalInt.of(4)));
    assertThat(launcher(Map.of("PMI_SIZE", "2", "PMI_RANK", "0")))
        .isEqualTo(new Launcher(Kind.PMI, OptionalInt.of(0), OptionalInt.of(2)));
    assertThat(launcher(Map.of("SLURM_NTASKS", "8", "SLURM_PROCID", "7")))
        .isEqualTo(new Launcher(Kind.SLURM, OptionalInt.of(7), OptionalInt.of(8)));
    assertThat(launcher(Map.of("PMIX_RANK", "1")))
        .isEqualTo(new Launcher(Kind.PMIX, OptionalInt.of(1), OptionalInt.empty()));
  }

  @Test
  void slurmSaysHowManyProcessesPmixDoesNot() {
    assertThat(launcher(Map.of("SLURM_NTASKS", "8", "SLURM_PROCID", "7", "PMIX_RANK", "7")).kind())
        .isEqualTo(Kind.SLURM);
  }

  @Test
  void mpirunInsideABatchJobIsTheLauncher() {
    assertThat(
            launcher(
                Map.of(
                    "SLURM_NTASKS", "8", "OMPI_COMM_WORLD_SIZE", "2", "OMPI_COMM_WORLD_RANK", "1")))
        .isEqualTo(new Launcher(Kind.OPEN_MPI, OptionalInt.of(1), OptionalInt.of(2)));
  }

  @Test
  void oneProcessIsNoJob() {
    for (String variable : new String[] {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}) {
      assertThat(Launcher.find(Map.of(variable, "1"))).as(variable).isEmpty();
    }
    assertThat(Launcher.find(Map.of("OMPI_COMM_WORLD_SIZE", "1", "SLURM_NTASKS", "8"))).isEmpty();
  }

  @Test
  void aVariableThatIsNoNumberIsNamed() {
    assertThatThrownBy(() -> Launcher.find(Map.of("PMI_SIZE", "many")))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("the environment's PMI_SIZE=many is no number");
  }

  @Test
  void asManyAsWereStartedIsRight() {
    assertThatCode(() -> launcher(OPEN_MPI).requireJoined("Open MPI", 4))
        .doesNotThrowAnyException();
    assertThatCode(() -> launcher(Map.of("PMIX_RANK", "3")).requireJoined("Open MPI", 4))
        .doesNotThrowAnyException();
  }

  @Test
  void aLibraryThatSeesOthersThanWereStartedIsRefused() {
    assertThatThrownBy(() -> launcher(OPEN_MPI).requireJoined("MPICH 4.0.2 (libmpich.so.12)", 1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "Open MPI's mpirun started 4 processes, but the MPI library sees 1 process (MPICH 4.0.2"
                + " (libmpich.so.12)): start it with the mpirun of that library, or let JAMBIC_MPI"
                + " name the launcher's libmpi");
    assertThatThrownBy(() ->
            launcher(Map.of("SLURM_NTASKS", "8", "SLURM_PROCID", "0")).requireJoined("MPICH", 1))
        .hasMessageContaining("Slurm started 8 processes, but")
        .hasMessageContaining("srun --mpi=list");
    assertThatThrownBy(() -> launcher(Map.of("PMIX_RANK", "1")).requireJoined("MPICH", 1))
        .hasMessageContaining("started several processes, but");
  }

  @Test
  void theTimeoutIsANumberOfSeconds() {
    assertThat(MpiProvider.patience("")).isEqualTo(Duration.ofMinutes(10));
    assertThat(MpiProvider.patience("30")).isEqualTo(Duration.ofSeconds(30));
    assertThat(MpiProvider.patience("0")).isZero();
    for (String wrong : new String[] {"-1", "soon", "1.5"}) {
      assertThatThrownBy(() -> MpiProvider.patience(wrong))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "jambic.rank.timeout must be a number of seconds, or 0 for no limit, not " + wrong);
    }
  }
}

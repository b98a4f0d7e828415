package jambic.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

class MpiAbiTest {
  private static MpiAbi of(Map<String, Long> symbols, int standard) {
    return MpiAbi.of(name -> symbols.getOrDefault(name, 0L), standard);
  }

  @Test
  void openMpiIsKnownByItsSymbolsWhichAreItsHandles() {
    Map<String, Long> symbols =
        Map.of("ompi_mpi_comm_world", 11L, "ompi_mpi_byte", 12L, "ompi_mpi_errors_return", 13L);
    for (int standard : new int[] {0, 1}) {
      assertThat(of(symbols, standard)).isEqualTo(new MpiAbi("Open MPI's ABI", 11, 12, 13, 1));
    }
  }

  /** Section 20 of the standard, and the header that the MPI Forum publishes. */
  @Test
  void theStandardAbiHasTheNumbersOfTheStandard() {
    assertThat(of(Map.of(), 1))
        .isEqualTo(new MpiAbi("the standard ABI of MPI 5", 0x101, 0x247, 0x142, 1024));
  }

  /** mpi.h of MPICH 4; handles are of 32 bits. */
  @Test
  void everythingElseIsMpich() {
    for (int standard : new int[] {-1, 0}) {
      assertThat(of(Map.of(), standard))
          .isEqualTo(new MpiAbi("MPICH's ABI", 0x44000000, 0x4c00010d, 0x54000001, 1));
    }
  }

  @Test
  void versionsAreBrief() {
    assertThat(MpiLibrary.brief("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4"))
        .isEqualTo("Open MPI v4.1.4");
    assertThat(MpiLibrary.brief("MPICH Version: 4.0.2")).isEqualTo("MPICH 4.0.2");
    assertThat(MpiLibrary.brief("Intel(R) MPI Library 2021.9"))
        .isEqualTo("Intel(R) MPI Library 2021.9");
  }
}

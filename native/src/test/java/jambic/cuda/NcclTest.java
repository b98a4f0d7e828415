package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.cuda.Libraries.Found;
import jambic.cuda.bindings.Nccl;
import jambic.cuda.bindings.ncclUniqueId;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What NCCL does without a GPU, with the library of this machine. */
class NcclTest {
  private static void loadOrSkip() {
    assumeTrue(
        NcclLibrary.load(Libraries.ofSystem()).isPresent(),
        () -> "NCCL is not tested: " + NcclLibrary.describe(Libraries.ofSystem()));
  }

  @Test
  void aWheelServes(@TempDir Path root) throws IOException {
    Path file = root.resolve("usr/lib/python3/dist-packages/nvidia/nccl/lib/libnccl.so.2");
    Libraries libraries = new Libraries(Map.of(), root);
    assertThat(NcclLibrary.describe(libraries)).startsWith("no NCCL (libnccl.so.2)");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "no library");
    assertThat(libraries.nccl()).isEqualTo(new Found(file, 2));
    assertThat(NcclLibrary.load(libraries)).isEmpty();
    assertThat(NcclLibrary.describe(libraries))
        .isEqualTo("no NCCL: " + file + " is no library for this machine");
  }

  @Test
  void versionsAreReadFromTheirCodes() {
    assertThat(NcclLibrary.version(2804)).isEqualTo("2.8.4");
    assertThat(NcclLibrary.version(22203)).isEqualTo("2.22.3");
  }

  @Test
  void theLibrarySaysItsVersion() {
    loadOrSkip();
    assertThat(NcclLibrary.version()).matches("2\\.\\d+\\.\\d+");
    assertThat(NcclLibrary.describe(Libraries.ofSystem())).contains("found ", ", NCCL 2.");
  }

  @Test
  void anIdIsMadeWithoutADriver() {
    loadOrSkip();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment id = NcclLibrary.newId(arena);
      assertThat(id.byteSize()).isEqualTo(128);
      assertThat(id.mismatch(NcclLibrary.newId(arena))).isNotNegative();
    }
  }

  @Test
  void withoutADriverRanksAreNotJoinedAndTheErrorSaysSo() {
    loadOrSkip();
    assumeTrue(
        !(Libraries.ofSystem().driver() instanceof Found), "there is a driver, which would join");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment communicator = arena.allocate(ValueLayout.ADDRESS);
      MemorySegment id = NcclLibrary.newId(arena);
      assertThatThrownBy(
              () -> Check.nccl(Nccl.ncclCommInitRank(communicator, 1, id, 0), "ncclCommInitRank"))
          .isInstanceOf(CudaException.class)
          .hasMessageStartingWith("ncclCommInitRank failed with error 1 (unhandled cuda error")
          .hasMessageContaining("driver version is insufficient");
    }
  }

  @Test
  void callsWithoutACommunicatorAreRefusedNotMade() {
    loadOrSkip();
    MemorySegment none = MemorySegment.NULL;
    int type = Nccl.ncclInt8();
    Check.nccl(Nccl.ncclGroupStart(), "ncclGroupStart");
    Check.nccl(Nccl.ncclGroupEnd(), "ncclGroupEnd");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(8);
      assertThat(
              new int[] {
                Nccl.ncclAllGather(data, data, 1, type, none, none),
                Nccl.ncclBroadcast(data, data, 1, type, 0, none, none),
                Nccl.ncclSend(data, 1, type, 0, none, none),
                Nccl.ncclRecv(data, 1, type, 0, none, none)
              })
          .containsOnly(Nccl.ncclInvalidArgument());
    }
    assertThat(Nccl.ncclCommAbort(none)).isEqualTo(Nccl.ncclSuccess());
    assertThat(Nccl.ncclCommDestroy(none)).isEqualTo(Nccl.ncclSuccess());
  }

  @Test
  void anIdHasTheSizeOfTheHeader() {
    assertThat(ncclUniqueId.layout().byteSize()).isEqualTo(128);
  }
}

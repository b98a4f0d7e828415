package jambic.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which calls become of what is to be moved; {@link JobTest} checks what arrives. */
class ChunksTest {
  /** Notes what is called, and lets everything arrive as it was sent. */
  private static final class Calls implements Collectives {
    private final List<String> made = new ArrayList<>();

    @Override
    public void broadcast(MemorySegment data, int root) {
      made.add("broadcast " + data.byteSize());
      requireNative(data);
    }

    @Override
    public void exchange(MemorySegment send, MemorySegment receive, int bytes) {
      made.add("exchange " + bytes);
      requireNative(send);
      requireNative(receive);
      receive.asSlice(0, 3L * bytes).copyFrom(send.asSlice(0, 3L * bytes));
    }

    @Override
    public void gatherAll(MemorySegment mine, MemorySegment all, int bytes) {
      made.add("gatherAll " + bytes);
      requireNative(mine);
      requireNative(all);
      for (int rank = 0; rank < 3; rank++) {
        MemorySegment.copy(mine, 0, all, (long) rank * bytes, bytes);
      }
    }

    /** Heaps may move while a call waits. */
    private static void requireNative(MemorySegment segment) {
      assertThat(segment.isNative()).isTrue();
    }
  }

  private final Calls calls = new Calls();
  private final Chunks chunks = new Chunks(calls, 3, 30, Arena.ofAuto());

  private static MemorySegment memory(boolean heap, int bytes) {
    MemorySegment segment =
        heap
            ? MemorySegment.ofArray(new byte[bytes])
            : Arena.ofAuto().allocate(bytes + 1L).asSlice(0, bytes);
    for (int i = 0; i < bytes; i++) {
      segment.set(ValueLayout.JAVA_BYTE, i, (byte) (i + 1));
    }
    return segment;
  }

  @ParameterizedTest
  @CsvSource({"true,true", "true,false", "false,true", "false,false"})
  void sizesAloneDecideWhichCallsAreMade(boolean heap, boolean other) {
    for (int bytes : new int[] {0, 1, 10, 11, 30, 31, 65}) {
      MemorySegment one = memory(heap, bytes);
      chunks.broadcast(one, 0, true);
      MemorySegment send = memory(heap, 3 * bytes);
      MemorySegment receive = memory(other, 3 * bytes);
      chunks.exchange(send, receive.fill((byte) 0));
      assertThat(receive.mismatch(send)).isEqualTo(-1);
      chunks.gatherAll(one, receive.fill((byte) 0));
      for (int rank = 0; rank < 3; rank++) {
        assertThat(receive.asSlice((long) rank * bytes, bytes).mismatch(one)).isEqualTo(-1);
      }
    }
    assertThat(calls.made)
        .containsExactly(
            "broadcast 1",
            "exchange 1",
            "gatherAll 1", //
            "broadcast 10",
            "exchange 10",
            "gatherAll 10",
            "broadcast 11",
            "exchange 10",
            "exchange 1",
            "gatherAll 10",
            "gatherAll 1",
            "broadcast 30",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "broadcast 30",
            "broadcast 1",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "exchange 1",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 1",
            "broadcast 30",
            "broadcast 30",
            "broadcast 5",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "exchange 10",
            "exchange 5",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 10",
            "gatherAll 5");
  }

  @Test
  void moreRanksThanBytesOfABufferStillGetAByteEach() {
    Chunks tight = new Chunks(calls, 3, 1, Arena.ofAuto());
    tight.exchange(memory(true, 6), memory(true, 6));
    assertThat(calls.made).containsExactly("exchange 1", "exchange 1");
  }
}

package jambic.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OpenBlasTest {
  @Test
  void multipliesAsTold() {
    Optional<OpenBlas> found = OpenBlas.find();
    assumeTrue(
        found.isPresent(), "OpenBLAS is not installed: apt-get install libopenblas0-pthread");
    OpenBlas blas = found.get();
    assertThat(blas.description()).startsWith("OpenBLAS ");
    blas.setThreads(1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment a = floats(arena, 1, 2, 3, 4, 5, 6); // (2, 3)
      MemorySegment b = floats(arena, 1, 0, 2, 0, 1, 3); // (2, 3)
      MemorySegment c = floats(arena, 0, 0, 0, 0);
      blas.sgemm(false, true, 2, 2, 3, a, b, c);
      assertThat(c.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(7, 11, 16, 23);
      MemorySegment d = floats(arena, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      blas.sgemm(true, false, 3, 3, 2, a, b, d);
      assertThat(d.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(1, 4, 14, 2, 5, 19, 3, 6, 24);
    }
  }

  private static MemorySegment floats(Arena arena, float... values) {
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }
}

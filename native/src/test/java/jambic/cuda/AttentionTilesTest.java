package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class AttentionTilesTest {
  /** What compute capabilities 8.6, 8.9 and 12.0 give a block at most; all others give more. */
  private static final int LEAST_SHARED_BYTES = 99 << 10;

  @Test
  void blocksFitTheDevicesWithTheLeastSharedMemory() {
    try (Backend backend = Backends.open("reference", 1);
        Region region = backend.region()) {
      Tensor x = region.allocate(DType.F32, Shape.of(1, 1, 128));
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        for (int head = 1; head <= 128; head++) {
          AttentionTiles tiles = new AttentionTiles(head, dtype);
          assertThat(Stream.of(tiles.forward(x, 1), tiles.queries(x, 1), tiles.keys(x, 1)))
              .as(tiles.toString())
              .allMatch(grid -> grid.sharedBytes() <= LEAST_SHARED_BYTES);
        }
      }
    }
  }
}

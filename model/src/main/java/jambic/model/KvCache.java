package jambic.model;

import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The keys and values that every layer computed for earlier positions, so that a new token costs
 * only itself.
 */
final class KvCache {
  private final List<Tensor> keys = new ArrayList<>();
  private final List<Tensor> values = new ArrayList<>();
  private final Tensor starts;
  private final int[] length;

  /** An empty cache for {@code batch} sequences of up to blockSize tokens, in activations' type. */
  KvCache(Region region, DType dtype, GptConfig config, int batch) {
    Shape shape = Shape.of(batch, config.blockSize(), config.nEmbd()); // (B, S, C)
    for (int layer = 0; layer < config.nLayer(); layer++) {
      keys.add(region.allocate(dtype, shape));
      values.add(region.allocate(dtype, shape));
    }
    starts = region.allocate(DType.I32, Shape.of(batch));
    length = new int[batch];
    setLength(0);
  }

  Tensor keys(int layer) {
    return keys.get(layer);
  }

  Tensor values(int layer) {
    return values.get(layer);
  }

  /** How many positions of each sequence are cached, where kernels can read it: I32 (B). */
  Tensor starts() {
    return starts;
  }

  int length() {
    return length[0];
  }

  void setLength(int positions) {
    Arrays.fill(length, positions);
    starts.set(length);
  }
}

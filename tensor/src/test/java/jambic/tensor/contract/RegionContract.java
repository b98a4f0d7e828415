package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Memory: tensors do not overlap, come back after a rewind, and hold what they are given. */
public interface RegionContract {
  /**
   * The judge.
   *
   * @return knows the backends under test
   */
  Contract contract();

  /** What is written to one tensor changes no other, also where released memory is used again. */
  @Test
  default void tensorsDoNotOverlap() {
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        List<Tensor> live = new ArrayList<>();
        for (int round = 0; round < 4; round++) {
          for (int n : new int[] {1, 3, 17, 63, 64, 257, 5000}) {
            live.add(region.allocate(n % 2 == 0 ? DType.I32 : DType.F32, Shape.of(n)));
          }
          for (int i = 0; i < 3; i++) {
            region.release(live.remove(i * 2));
          }
        }
        for (int i = 0; i < live.size(); i++) {
          fill(live.get(i), i);
        }
        for (int i = 0; i < live.size(); i++) {
          Tensor tensor = live.get(i);
          int[] expected = new int[(int) tensor.size()];
          Arrays.fill(expected, i);
          assertArrayEquals(expected, content(tensor), "tensor " + i + ", " + tensor);
        }
      }
    }
  }

  /**
   * The same allocations and releases after a rewind yield the same addresses and no new memory.
   */
  @Test
  default void rewoundRegionsRepeat() {
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        List<Tensor> first = step(region);
        long bytes = region.bytes();
        for (int i = 0; i < 3; i++) {
          region.rewind();
          List<Tensor> again = step(region);
          for (int t = 0; t < first.size(); t++) {
            assertEquals(first.get(t).storage(), again.get(t).storage(), "storage of tensor " + t);
            assertEquals(first.get(t).offset(), again.get(t).offset(), "offset of tensor " + t);
          }
          assertEquals(bytes, region.bytes(), "bytes of the region");
        }
      }
    }
  }

  /** Memory that is given back twice would belong to two tensors. */
  @Test
  default void wrongReleasesAreRefused() {
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region();
          Region other = backend.region()) {
        Tensor x = region.allocate(DType.F32, Shape.of(2, 3));
        assertThrows(JambicException.class, () -> other.release(x));
        region.release(x);
        assertThrows(JambicException.class, () -> region.release(x));
        Tensor again = region.allocate(DType.F32, Shape.of(2, 3));
        region.rewind();
        assertThrows(JambicException.class, () -> region.release(again));
      }
    }
  }

  /** A tensor larger than any chunk a region takes at once. */
  @Test
  default void largeTensors() {
    for (Backend backend : contract().backends()) {
      try (Region region = backend.region()) {
        Tensor small = region.allocate(DType.F32, Shape.of(3));
        Tensor large = region.allocate(DType.F32, Shape.of(5, 1 << 20));
        backend.elementwise().fill(List.of(small, large), 3);
        float[] values = large.toFloats();
        assertEquals(3, values[0]);
        assertEquals(3, values[values.length - 1]);
        assertArrayEquals(new float[] {3, 3, 3}, small.toFloats());
      }
    }
  }

  private static List<Tensor> step(Region region) {
    List<Tensor> tensors = new ArrayList<>();
    for (int layer = 0; layer < 3; layer++) {
      Tensor kept = region.allocate(DType.F32, Shape.of(3, 41));
      Tensor scratch = region.allocate(DType.F32, Shape.of(700));
      Tensor integers = region.allocate(DType.I32, Shape.of(9));
      tensors.addAll(List.of(kept, scratch, integers));
      region.release(scratch);
    }
    return tensors;
  }

  private static void fill(Tensor tensor, int value) {
    if (tensor.dtype() == DType.I32) {
      int[] values = new int[(int) tensor.size()];
      Arrays.fill(values, value);
      tensor.set(values);
    } else {
      float[] values = new float[(int) tensor.size()];
      Arrays.fill(values, value);
      tensor.set(values);
    }
  }

  private static int[] content(Tensor tensor) {
    if (tensor.dtype() == DType.I32) {
      return tensor.toInts();
    }
    float[] floats = tensor.toFloats();
    int[] values = new int[floats.length];
    Arrays.setAll(values, i -> (int) floats[i]);
    return values;
  }
}

package jambic.tensor.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.spi.HostLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HostRegionTest {
  @Test
  void aSmallModelTakesLittleMemory() {
    try (HostRegion region = new HostRegion()) {
      for (int layer = 0; layer < 3; layer++) {
        region.allocate(DType.F32, Shape.of(24, 24));
        region.allocate(DType.I8, Shape.of(24, 24));
      }
      assertEquals(2 << 16, region.bytes());
    }
  }

  @Test
  void growsInFewPiecesAndAtMostDoubles() {
    List<Long> pieces = new ArrayList<>();
    HostLayout layout = HostLayout.of(DType.F32, pieces::add);
    long placed = 0;
    for (int i = 0; i < 20_000; i++) {
      layout.place(1008);
      placed += 1008;
      assertTrue(layout.elements() <= Math.max(1 << 14, 2 * placed + (1 << 14)), "at most double");
    }
    assertEquals(1 << 14, pieces.getFirst());
    assertEquals(1 << 22, pieces.getLast());
    assertTrue(pieces.size() < 15, pieces.size() + " pieces");
    layout.place(3_000_000);
    assertEquals(3_000_016, pieces.getLast(), "a large tensor has an array of its own");
  }

  @Test
  void aRewoundStepHasTheSamePlacesAndTakesNoMore() {
    List<Long> pieces = new ArrayList<>();
    HostLayout layout = HostLayout.of(DType.F32, pieces::add);
    List<HostLayout.Place> first = step(layout);
    int taken = pieces.size();
    for (int i = 0; i < 3; i++) {
      layout.rewind();
      assertEquals(first, step(layout));
    }
    assertEquals(taken, pieces.size());
  }

  private static List<HostLayout.Place> step(HostLayout layout) {
    SplittableRandom random = new SplittableRandom(1);
    List<HostLayout.Place> places = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      int size = 1 + random.nextInt(1 << random.nextInt(1, 20));
      HostLayout.Place place = layout.place(size);
      places.add(place);
      if (i % 3 == 0) {
        layout.release(place, size);
      }
    }
    return places;
  }

  @Test
  void aFullHeapSaysWhatTheMemoryIsForAndWhatLowersIt() {
    int rows = (int) Math.min((1L << 31) - 1024 >> 10, Runtime.getRuntime().maxMemory() >> 12);
    Shape shape = Shape.of(rows, 1024);
    try (HostRegion region = new HostRegion()) {
      String ofModel = fill(region, shape);
      assertTrue(
          ofModel.matches(
              "out of memory: a tensor F32\\Q%s\\E needs \\d+ MiB, of the heap's \\d+ MiB \\d+ MiB are taken; give the JVM more with -Xmx, or take a smaller model or a smaller KV cache"
                  .formatted(shape)),
          ofModel);
      region.rewind();
      String ofBatch = fill(region, shape);
      assertTrue(ofBatch.endsWith(", or lower the batch size or the context"), ofBatch);
    }
  }

  private static String fill(HostRegion region, Shape shape) {
    return assertThrows(
            JambicException.class,
            () -> {
              while (true) {
                region.allocate(DType.F32, shape);
              }
            })
        .getMessage();
  }
}

package jambic.tensor.cpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.HostRegion;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class JoinedTensorsTest {
  @Test
  void everyElementBelongsToOneSpan() {
    int[] sizes = {0, 1, 16384, 0, 0, 40000, 3, 16381, 7, 0};
    for (int count = 0; count <= sizes.length; count++) {
      checkCover(IntStream.of(sizes).limit(count).toArray());
    }
  }

  @Test
  void aShorterListAfterALongerOneIsUnaffected() {
    try (Workers workers = new Workers(2);
        HostRegion region = new HostRegion()) {
      JoinedTensors joined = new JoinedTensors(workers);
      cover(joined, tensors(region, 5, 20000, 5));
      assertThat(cover(joined, tensors(region, 17)).get(0).length()).isEqualTo(17);
    }
  }

  private static void checkCover(int... sizes) {
    try (Workers workers = new Workers(3);
        HostRegion region = new HostRegion()) {
      List<AtomicIntegerArray> seen = cover(new JoinedTensors(workers), tensors(region, sizes));
      for (AtomicIntegerArray tensor : seen) {
        for (int i = 0; i < tensor.length(); i++) {
          assertThat(tensor.get(i)).isEqualTo(1);
        }
      }
    }
  }

  private static List<AtomicIntegerArray> cover(JoinedTensors joined, List<Tensor> tensors) {
    int pieces = JoinedTensors.pieces(tensors);
    List<AtomicIntegerArray> seen =
        tensors.stream().map(tensor -> new AtomicIntegerArray((int) tensor.size())).toList();
    joined.parallel(
        tensors,
        (piece, worker, tensor, from, count) -> {
          assertThat(piece).isBetween(0, pieces - 1);
          for (int i = from; i < from + count; i++) {
            seen.get(tensor).incrementAndGet(i);
          }
        });
    return seen;
  }

  private static List<Tensor> tensors(HostRegion region, int... sizes) {
    return IntStream.of(sizes).mapToObj(n -> region.allocate(DType.F32, Shape.of(n))).toList();
  }
}

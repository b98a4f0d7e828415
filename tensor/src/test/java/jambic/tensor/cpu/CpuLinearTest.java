package jambic.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.Activation;
import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.HostRegion;
import jambic.tensor.spi.LinearKernels;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What serving many sequences at once rests on: nobody's bits depend on who is beside him. */
@Tag("width")
class CpuLinearTest {
  private static final int ROWS = 140;

  private final HostRegion region = new HostRegion();

  @FunctionalInterface
  private interface Product {
    void compute(LinearKernels linear, Tensor out, Tensor x, Tensor w, Tensor b);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "17, 33", "768, 70", "1100, 40", "64, 257"})
  void theBitsOfARowAreItsOwn(int k, int n) {
    int[] any = {1, 2, 3, 8, 9, 64};
    requireSame(k, n, any, LinearKernels::decode);
    requireSame(k, n, any, LinearKernels::decodeMany);
    int[] many = {LinearKernels.FEW_ROWS + 1, 17, 33, 64, 131};
    requireSame(k, n, many, LinearKernels::forward);
    requireSame(
        k,
        n,
        many,
        (linear, out, x, w, b) -> linear.forwardActivated(out, out, x, w, b, Activation.GELU_TANH));
  }

  private void requireSame(int k, int n, int[] counts, Product product) {
    Tensor w = random(1, n, k);
    Tensor b = random(2, n);
    try (Workers workers = new Workers(2)) {
      LinearKernels linear = new CpuLinear(workers, new CpuActivation(workers));
      Tensor all = region.allocate(DType.F32, Shape.of(ROWS, n));
      product.compute(linear, all, random(3, ROWS, k), w, b);
      float[] expected = all.toFloats();
      for (int count : counts) {
        Tensor out = region.allocate(DType.F32, Shape.of(count, n));
        product.compute(linear, out, random(3, count, k), w, b);
        assertThat(bits(out.toFloats()))
            .as("the first %d of %d rows", count, ROWS)
            .isEqualTo(bits(Arrays.copyOf(expected, count * n)));
      }
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
    return bits;
  }

  /** The same numbers from the first row on, however many there are. */
  private Tensor random(int stream, int... dims) {
    Philox random = new Philox(5, stream);
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    return tensor;
  }
}

package jambic.tensor.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/**
 * Weights in 8 bits: rounding, products of few rows and of many, embeddings, and that no weight is
 * off by more than half a step.
 */
public interface QuantizedContract {
  /** Rows of x, columns of x, rows of w: few rows and many, tails of every width, many blocks. */
  int[][] SIZES = {
    {1, 1, 1},
    {1, 3, 17},
    {1, 17, 3},
    {1, 63, 257},
    {1, 768, 130},
    {2, 64, 2100},
    {2, 257, 63},
    {3, 7, 5},
    {4, 33, 17},
    {5, 400, 70},
    {8, 257, 257},
    {9, 3, 1},
    {17, 63, 257},
    {12, 1500, 800},
    {70, 17, 130}
  };

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** The judge, where the backend has these kernels; where it has not, it says so in a sentence. */
  private Contract judge() {
    Contract contract = contract();
    try {
      contract.backends().forEach(Backend::quantized);
    } catch (JambicException e) {
      assertThat(e).hasMessageContaining("does not compute with int8 weights");
      abort(e.getMessage());
    }
    return contract;
  }

  /** {@code w = scales out}, rounded: the same integers and scales everywhere. */
  @Test
  default void quantize() {
    for (int[] size : SIZES) {
      int n = size[2];
      int k = size[1];
      judge()
          .check(
              "quantized.quantize (" + n + ", " + k + ")",
              Tolerance.EXACT,
              scene -> {
                Tensor out = scene.written("out", scene.bytes("out", new int[n * k], n, k));
                Tensor scales = scene.output("scales", n);
                Tensor w = scene.input("w", n, k);
                return () -> scene.backend().quantized().quantize(out, scales, w);
              });
    }
  }

  /** Rows without a scale, with the smallest numbers, and with ties. */
  @Test
  default void quantizeOddRows() {
    float tiny = Float.MIN_VALUE;
    float[] w = {
      0,
      -0f,
      0, // nothing
      tiny,
      -tiny,
      0, // less than a scale can be
      190 * tiny,
      tiny,
      -190 * tiny, // a scale that is rounded by much
      127,
      0.5f,
      1.5f, // ties go to the even one
      -1e38f,
      3e38f,
      1 // large
    };
    judge()
        .check(
            "quantized.quantize odd rows",
            Tolerance.EXACT,
            scene -> {
              Tensor out = scene.written("out", scene.bytes("out", new int[w.length], 5, 3));
              Tensor scales = scene.output("scales", 5);
              Tensor weights = scene.input("w", i -> w[i], 5, 3);
              return () -> scene.backend().quantized().quantize(out, scales, weights);
            });
  }

  /** No weight moves by more than half its row's scale. */
  @Test
  default void quantizeRoundsToTheNearest() {
    for (Backend backend : judge().backends()) {
      try (Region region = backend.region()) {
        int n = 60;
        int k = 300;
        float[] w = new float[n * k];
        Philox random = new Philox(1, 2);
        for (int i = 0; i < w.length; i++) {
          w[i] = (float) (random.nextGaussian() * Math.exp(i / k - 30.0));
        }
        Tensor from = region.allocate(DType.F32, Shape.of(n, k));
        Tensor to = region.allocate(DType.I8, Shape.of(n, k));
        Tensor scales = region.allocate(DType.F32, Shape.of(n));
        from.set(w);
        backend.quantized().quantize(to, scales, from);
        byte[] q = new byte[n * k];
        to.read(MemorySegment.ofArray(q));
        for (int i = 0; i < w.length; i++) {
          double scale = scales.toFloats()[i / k];
          assertThat(Math.abs(q[i] * scale - w[i])).isLessThanOrEqualTo(0.500001 * scale);
          assertThat(scale).isGreaterThan(0);
        }
      }
    }
  }

  /** {@code out = scales (x wᵀ) + b}, with and without b. */
  @Test
  default void quantizedLinear() {
    for (int[] size : SIZES) {
      int m = size[0];
      int k = size[1];
      int n = size[2];
      judge()
          .check(
              "quantized.linear (" + m + ", " + k + ") x (" + n + ", " + k + ")",
              Tolerances.of(Kernel.LINEAR, DType.I8).summing(k),
              scene -> {
                Tensor out = scene.output("out", m, n);
                Tensor x = scene.input("x", m, k);
                Tensor w = integers(scene, n, k);
                Tensor scales = scales(scene, n);
                Tensor b = (m + n) % 4 == 0 ? Tensor.NONE : scene.input("b", n);
                return () -> scene.backend().quantized().linear(out, x, w, scales, b);
              });
    }
  }

  /** {@code out[b, t] = scales[id] wte[id] + wpe[starts[b] + t]}. */
  @Test
  default void quantizedEmbedding() {
    for (int[] size : EmbeddingContract.SIZES) {
      for (String with :
          new String[] {"tokens", "tokens, positions", "tokens, positions, starts"}) {
        int b = size[0];
        int t = size[1];
        int v = size[2];
        int c = size[3];
        judge()
            .check(
                "quantized.embed B " + b + " T " + t + " V " + v + " C " + c + " with " + with,
                Tolerance.EXACT,
                scene -> {
                  Tensor out = scene.output("out", b, t, c);
                  Tensor ids = scene.integers("ids", scene.draw("ids", v, b * t), b, t);
                  Tensor wte = integers(scene, v, c);
                  Tensor scales = scales(scene, v);
                  Tensor wpe =
                      with.contains("positions") ? scene.input("wpe", t + 4, c) : Tensor.NONE;
                  Tensor starts =
                      with.contains("starts")
                          ? scene.integers("starts", scene.draw("starts", 5, b), b)
                          : Tensor.NONE;
                  return () ->
                      scene.backend().quantized().embed(out, ids, wte, scales, wpe, starts);
                });
      }
    }
  }

  /** Every integer that quantizing makes. */
  private static Tensor integers(Scene scene, int rows, int columns) {
    int[] values = scene.draw("w", 255, rows * columns);
    for (int i = 0; i < values.length; i++) {
      values[i] -= 127;
    }
    return scene.bytes("w", values, rows, columns);
  }

  /** Scales that make the weights about as large as normally distributed ones. */
  private static Tensor scales(Scene scene, int rows) {
    int[] steps = scene.draw("scales", 100, rows);
    return scene.input("scales", i -> (50 + steps[i]) / 7300.0, rows);
  }
}

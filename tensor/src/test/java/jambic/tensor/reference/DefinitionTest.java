package jambic.tensor.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What neither finite differences nor PyTorch's fixtures show of the reference, worked by hand. */
class DefinitionTest {
  private final Backend backend = new ReferenceBackend();
  private final Region region = backend.region();

  @AfterEach
  void close() {
    region.close();
  }

  @Test
  void positionsStartWhereTheyAreTold() {
    Tensor out = floats(new float[8], 2, 2, 2);
    Tensor ids = integers(new int[] {1, 0, 1, 1}, 2, 2);
    Tensor wte = floats(new float[] {10, 20, 30, 40}, 2, 2);
    Tensor wpe = floats(new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    Tensor starts = integers(new int[] {0, 1}, 2);
    backend.embedding().forward(out, ids, wte, wpe, starts, 1);
    assertThat(out.toFloats()).containsExactly(31, 42, 13, 24, 33, 44, 35, 46);
    backend.embedding().forward(out, ids, wte, wpe, Tensor.NONE, 1);
    assertThat(out.toFloats()).containsExactly(31, 42, 13, 24, 31, 42, 33, 44);
    backend.embedding().forward(out, ids, wte, wpe, Tensor.NONE, 2);
    assertThat(out.toFloats()).containsExactly(61, 82, 23, 44, 61, 82, 63, 84);
  }

  @Test
  void dropoutTakesItsWordsFromPhilox() {
    long seed = 0x0123456789ABCDEFL;
    Dropout dropout = new Dropout(0.25f, seed, 6, integers(new int[] {77}, 1));
    float[] ones = new float[200];
    Arrays.fill(ones, 1);
    Tensor out = floats(new float[200], 200);
    backend.elementwise().dropout(out, floats(ones, 200), dropout);
    float[] got = out.toFloats();
    int[] words = new int[4];
    for (int e = 0; e < 200; e++) {
      Philox.block(words, seed, e / 64 * 16 + e % 16, 0, 77, 6);
      boolean kept = (words[e % 64 / 16] & 0xFFFFFFFFL) >= 0x40000000L; // a quarter of 2^32
      assertThat(got[e]).as("element " + e).isEqualTo(kept ? 4f / 3 : 0);
    }
  }

  @Test
  void dropoutKeepsTheExpectedShareAndMean() {
    Dropout dropout = new Dropout(0.2f, 5, 0, integers(new int[] {0}, 1));
    float[] ones = new float[100_000];
    Arrays.fill(ones, 1);
    Tensor x = floats(ones, ones.length);
    backend.elementwise().dropout(x, x, dropout);
    double sum = 0;
    int kept = 0;
    for (float value : x.toFloats()) {
      sum += value;
      kept += value > 0 ? 1 : 0;
    }
    assertThat(kept / 100_000.0).isEqualTo(0.8, within(0.006)); // five deviations
    assertThat(sum / 100_000).isEqualTo(1, within(0.008));
  }

  @Test
  void residualAndSum() {
    Tensor x = floats(new float[] {1, 2, 3}, 3);
    Tensor y = floats(new float[] {10, 20, 30}, 3);
    Tensor out = floats(new float[3], 3);
    backend.elementwise().residual(out, x, y, Dropout.NONE);
    assertThat(out.toFloats()).containsExactly(11, 22, 33);
    backend.elementwise().add(out, out, y);
    assertThat(out.toFloats()).containsExactly(21, 42, 63);
    backend.elementwise().fill(List.of(out, x), -1);
    assertThat(out.toFloats()).containsExactly(-1, -1, -1);
    assertThat(x.toFloats()).containsExactly(-1, -1, -1);
  }

  @Test
  void attentionWeightsAreDroppedByTheirElementNumbers() {
    int keys = 70; // two groups of 64 a row
    Dropout dropout = new Dropout(0.5f, 8, 2, integers(new int[] {3}, 1));
    Tensor q = floats(new float[2 * keys], 1, 2, keys);
    Tensor k = floats(new float[keys * keys], 1, keys, keys);
    float[] identity = new float[keys * keys];
    for (int s = 0; s < keys; s++) {
      identity[s * keys + s] = 1;
    }
    Tensor v = floats(identity, 1, keys, keys);
    Tensor out = floats(new float[2 * keys], 1, 2, keys);
    Tensor lse = floats(new float[2], 1, 1, 2);
    backend.attention().forward(out, lse, q, k, v, Tensor.NONE, 1, false, 1, dropout);
    DropoutMask mask = new DropoutMask(dropout);
    float[] got = out.toFloats();
    for (int t = 0; t < 2; t++) {
      for (int s = 0; s < keys; s++) {
        float weight = mask.factor(t * 128L + s) / keys; // all scores are 0
        assertThat(got[t * keys + s]).as("query " + t + ", key " + s).isEqualTo(weight);
      }
    }
    assertThat(lse.toFloats()).containsOnly((float) Math.log(keys));
  }

  @Test
  void statisticsOfAttentionAreLogarithmsOfSums() {
    Tensor q = floats(new float[] {1, 1, 1, 1}, 1, 1, 4);
    Tensor k = floats(new float[] {2, 0, 0, 0, 0, 2, 2, 2, 9, 9, 9, 9}, 1, 3, 4);
    Tensor out = floats(new float[4], 1, 1, 4);
    Tensor lse = floats(new float[1], 1, 1, 1);
    Tensor lengths = integers(new int[] {2}, 1);
    backend.attention().forward(out, lse, q, k, k, lengths, 1, false, 0.5f, Dropout.NONE);
    double sum = Math.exp(1) + Math.exp(3); // scores 2 and 6, halved
    assertThat(lse.toFloats()[0]).isEqualTo((float) Math.log(sum));
    assertThat(out.toFloats()[0]).isEqualTo((float) (2 * Math.exp(1) / sum), within(1e-7f));
  }

  @Test
  void statisticsOfLossesCoverEveryRow() {
    Tensor logits = floats(new float[] {0, 0, 1e4f, -1e4f}, 2, 2);
    Tensor targets = integers(new int[] {1, -1}, 2);
    Tensor loss = floats(new float[1], 1);
    Tensor lse = floats(new float[2], 2);
    backend.loss().crossEntropy(loss, lse, logits, targets, 0);
    assertThat(loss.toFloats()).containsExactly((float) Math.log(2));
    assertThat(lse.toFloats()).containsExactly((float) Math.log(2), 1e4f);
  }

  @Test
  void clippingScalesLongGradientsOnly() {
    Tensor norm = floats(new float[1], 1);
    Tensor scale = floats(new float[1], 1);
    List<Tensor> grads = List.of(floats(new float[] {3, 0}, 2), floats(new float[] {-4}, 1));
    backend.optimizer().clipNorm(norm, scale, grads, 1);
    assertThat(norm.toFloats()).containsExactly(5);
    assertThat(scale.toFloats()).containsExactly((float) (1 / 5.000001));
    backend.optimizer().clipNorm(norm, scale, grads, 6);
    assertThat(scale.toFloats()).containsExactly(1);
    backend.optimizer().clipNorm(norm, scale, grads, 0);
    assertThat(scale.toFloats()).containsExactly(1);
  }

  @Test
  void oneStepOfAdamW() {
    Tensor param = floats(new float[] {2}, 1);
    Tensor m = floats(new float[] {0.5f}, 1);
    Tensor v = floats(new float[] {4}, 1);
    Tensor grad = floats(new float[] {8}, 1);
    Tensor hyper = floats(new float[] {0.5f, 0.25f, 0.75f}, 3);
    Tensor scale = floats(new float[] {0.25f}, 1);
    backend
        .optimizer()
        .adamW(
            List.of(param),
            List.of(m),
            List.of(v),
            List.of(grad),
            hyper,
            scale,
            0.5f,
            0.75f,
            1,
            0.125f);
    // g = 8/4, m = 0.5/2 + 2/2, v = 3/4 * 4 + 4/4; both corrected, 1.25 / 0.25 and 4 / 0.75.
    assertThat(m.toFloats()).containsExactly(1.25f);
    assertThat(v.toFloats()).containsExactly(4);
    double step = 0.5 * 5 / (Math.sqrt(4 / 0.75) + 1);
    assertThat(param.toFloats()).containsExactly((float) (2 - 0.5 * 0.125 * 2 - step));
  }

  /** PyTorch subtracts in double, then rounds: 1 - 0.99999f would be 1.0013580322265625e-5. */
  @Test
  void adamWSubtractsBetasFromOneInDouble() {
    Tensor param = floats(new float[] {0}, 1);
    Tensor m = floats(new float[] {0}, 1);
    Tensor v = floats(new float[] {0}, 1);
    Tensor one = floats(new float[] {1}, 1);
    Tensor hyper = floats(new float[] {1, 1, 1}, 3);
    backend
        .optimizer()
        .adamW(
            List.of(param), List.of(m), List.of(v), List.of(one), hyper, one, 0.999, 0.99999, 1, 0);
    assertThat(m.toFloats()).containsExactly((float) (1 - 0.999));
    assertThat(v.toFloats()).containsExactly((float) (1 - 0.99999));
  }

  @Test
  void theErrorFunctionAgreesWithItsTables() {
    double[][] table = { // x and erfc(x)
      {0, 1},
      {0.5, 0.4795001221869535},
      {1, 0.15729920705028513},
      {2.4999999, 4.0695223527343607e-4},
      {2.5, 4.069520174449589e-4},
      {3, 2.2090496998585438e-5},
      {5, 1.5374597944280351e-12},
      {20, 5.3958656116079005e-176},
      {-1, 1.8427007929497148},
      {-3, 1.9999779095030015}
    };
    for (double[] row : table) {
      double error = Math.abs(Erf.complement(row[0]) / row[1] - 1);
      assertThat(error).as("relative error of erfc(" + row[0] + ")").isLessThan(1e-12);
    }
  }

  private Tensor floats(float[] values, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }

  private Tensor integers(int[] values, int... dims) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }
}

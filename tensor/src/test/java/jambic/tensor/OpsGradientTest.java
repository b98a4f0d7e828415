package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Gradients of {@code sum(out * dout)} through operations whose outputs are no loss, against finite
 * differences on the reference backend.
 */
class OpsGradientTest {
  private static final int B = 2;
  private static final int T = 3;
  private static final int S = 4;
  private static final int C = 4;
  private static final Tensor NONE = Tensor.NONE;

  private final Backend backend = Backends.open("reference", 1);
  private final Region weights = backend.region();
  private final Region step = backend.region();
  private final Philox random = new Philox(19, 0);
  private final List<Tensor> trained = new ArrayList<>();
  private final Tensor x = weight(B, T, C);
  private final Tensor memory = weight(B, S, C);
  private final Tensor w = weight(C, C);
  private final Tensor b = weight(C);
  private final Tensor kv = weight(2 * C, C);

  @AfterEach
  void close() {
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void crossAttentionOfRaggedLengths() {
    Tensor lengths = ints(1, S);
    check(ops ->
        ops.attention(ops.linear(x, w, b), ops.linear(memory, kv, NONE), lengths, 2, false, 0));
  }

  @Test
  void crossAttentionWithoutLengthsAndWithDropout() {
    check(ops ->
        ops.attention(ops.linear(x, w, b), ops.linear(memory, kv, NONE), NONE, 2, false, 0.4f));
  }

  @Test
  void selfAttentionAddsUpTheGradientsOfItsInput() {
    Tensor lengths = ints(2, T);
    for (boolean causal : new boolean[] {false, true}) {
      check(ops -> {
        Tensor h = ops.linear(x, w, b);
        return ops.attention(h, ops.linear(h, kv, NONE), lengths, 1, causal, 0);
      });
    }
  }

  @Test
  void attentionTrainsItsInputsAndOneOfThemAlone() {
    Tensor q = weight(B, 1, C);
    Tensor pairs = weight(B, S, 2 * C);
    check(ops -> ops.attention(q, pairs, ints(3, 1), 2, false, 0));
    q.setGrad(NONE);
    check(ops -> ops.attention(q, pairs, NONE, 2, false, 0));
    q.setGrad(weights.allocate(DType.F32, q.shape()));
    pairs.setGrad(NONE);
    check(ops -> ops.attention(q, pairs, NONE, 2, false, 0));
  }

  @Test
  void rowsAddUpWhereAnIndexOccursAgain() {
    check(ops -> ops.rows(ops.linear(x, w, b), ints(5, 0, 5, 5, 3)));
    check(ops -> ops.rows(x, ints(2, 2)));
  }

  @Test
  void rowsAreTakenTwiceOfOneTensor() {
    check(ops -> {
      Tensor h = ops.linear(x, w, b);
      return ops.multiply(ops.rows(h, ints(1, 1, 4)), ops.rows(h, ints(4, 0, 1)));
    });
  }

  @Test
  void scalesInPlaceAndApart() {
    check(ops -> ops.linear(ops.scale(ops.linear(x, w, b), -2.5f), w, NONE));
    check(ops -> {
      Tensor h = ops.linear(x, w, b);
      return ops.residual(ops.activate(h, Activation.GELU_TANH), ops.scale(h, 0.5f), 0);
    });
    check(ops -> ops.scale(x, 3));
  }

  @Test
  void multipliesTwoTensorsAndOneByItself() {
    check(ops -> ops.multiply(ops.linear(x, w, b), x));
    check(ops -> {
      Tensor h = ops.linear(x, w, b);
      return ops.multiply(ops.multiply(h, h), h);
    });
    check(ops -> ops.multiply(x, x));
  }

  @Test
  void logProbsOfAHead() {
    Tensor targets = ints(1, 3, -1, 0, 2, 3);
    for (float temperature : new float[] {1, 0.7f}) {
      check(ops -> ops.logProbs(ops.linear(x, w, NONE), w, b, targets, temperature));
      check(ops -> ops.logProbs(x, w, NONE, targets, temperature));
    }
  }

  @Test
  void logProbsOfSomeRows() {
    check(ops -> ops.logProbs(ops.rows(ops.linear(x, w, b), ints(4, 1)), w, NONE, ints(2, 0), 1));
  }

  /** Compares every gradient, which begins anew, then the recorded program. */
  private void check(Function<Ops, Tensor> model) {
    List<Tensor> all = trained.stream().filter(t -> !t.grad().isNone()).toList();
    backend.elementwise().fill(all.stream().map(Tensor::grad).toList(), Float.NaN);
    step.rewind();
    Tape tape = new Tape(backend, step, 1);
    Tensor out = model.apply(tape);
    float[] slopes = new float[(int) out.size()];
    for (int i = 0; i < slopes.length; i++) {
      slopes[i] = (float) random.nextGaussian();
    }
    Tensor dout = weights.allocate(out.dtype(), out.shape());
    dout.set(slopes);
    tape.backward(out, dout, all);
    float[][] taken = all.stream().map(t -> t.grad().toFloats()).toArray(float[][]::new);
    tape.program().run();
    assertThat(all.stream().map(t -> t.grad().toFloats()).toArray(float[][]::new)).isEqualTo(taken);
    float h = 1f / 64;
    for (int i = 0; i < taken.length; i++) {
      Tensor tensor = all.get(i);
      float[] at = tensor.toFloats();
      for (int j = 0; j < at.length; j++) {
        double up = valueWith(model, tensor, at, j, h, slopes);
        double down = valueWith(model, tensor, at, j, -h, slopes);
        assertThat((double) taken[i][j])
            .as("gradient %d of %s", j, tensor)
            .isCloseTo((up - down) / (2 * h), within(2e-3));
      }
      tensor.set(at);
    }
  }

  private double valueWith(
      Function<Ops, Tensor> model, Tensor tensor, float[] at, int j, float h, float[] slopes) {
    float[] moved = at.clone();
    moved[j] += h;
    tensor.set(moved);
    step.rewind();
    float[] out = model.apply(new Tape(backend, step, 1)).toFloats();
    double sum = 0;
    for (int i = 0; i < out.length; i++) {
      sum += (double) out[i] * slopes[i];
    }
    return sum;
  }

  private Tensor weight(int... dims) {
    Tensor tensor = weights.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.5 * random.nextGaussian());
    }
    tensor.set(values);
    tensor.setGrad(weights.allocate(DType.F32, tensor.shape()));
    trained.add(tensor);
    return tensor;
  }

  private Tensor ints(int... values) {
    Tensor tensor = weights.allocate(DType.I32, Shape.of(values.length));
    tensor.set(values);
    return tensor;
  }
}

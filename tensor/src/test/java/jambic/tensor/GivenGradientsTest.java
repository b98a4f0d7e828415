package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Backward passes that begin with gradients which are given. */
@ParameterizedClass
@ValueSource(strings = {"cpu", "reference"})
class GivenGradientsTest {
  private static final int V = 5;
  private static final int C = 4;
  private static final int N = 6;

  private final Backend backend;
  private final Region weights;
  private final Region step;
  private final Philox random = new Philox(23, 0);
  private final Tensor ids;
  private final Tensor targets;
  private final Tensor wte;
  private final Tensor w;
  private final Tensor score;

  GivenGradientsTest(String name) {
    backend = Backends.open(name, 2);
    weights = backend.region();
    step = backend.region();
    ids = ints(Shape.of(2, N / 2), 0, 1, 2, 3, 4, 0);
    targets = ints(Shape.of(N), 1, 2, -1, 4, 0, 1);
    wte = weight(V, C);
    w = weight(C, C);
    score = weight(1, C);
  }

  @AfterEach
  void close() {
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void aScaleInATensorHasTheBitsOfTheNumber() {
    for (float factor : new float[] {1, 1f / 3, 1f / 40, -7}) {
      Tape apart = new Tape(backend, step, 1);
      apart.backward(loss(apart), factor, trained());
      float[][] expected = gradients();
      Tensor scale = floats(1);
      scale.set(factor);
      Tape tape = new Tape(backend, step, 1);
      tape.backward(loss(tape), scale, trained());
      assertThat(gradients()).isEqualTo(expected);
    }
  }

  @Test
  void aScaleIsReadAgainAtEveryRun() {
    Tensor scale = floats(1);
    scale.set(1f);
    Tape tape = new Tape(backend, step, 1);
    tape.backward(loss(tape), scale, trained());
    float[][] whole = gradients();
    scale.set(0.25f);
    tape.program().run();
    float[][] quarter = gradients();
    for (int i = 0; i < whole.length; i++) {
      for (int j = 0; j < whole[i].length; j++) {
        assertThat(4 * quarter[i][j]).isCloseTo(whole[i][j], within(1e-6f));
      }
    }
    assertThat(scale.toFloats()).containsExactly(0.25f);
  }

  @Test
  void slopesOfAMeanAreTheGradientsOfCrossEntropy() {
    Tape mean = new Tape(backend, step, 1);
    Tensor loss = loss(mean);
    mean.backward(loss, 1, trained());
    float[][] expected = gradients();
    Tape tape = new Tape(backend, step, 1);
    Tensor logProbs = tape.logProbs(hidden(tape), wte, Tensor.NONE, targets, 1);
    float sum = 0;
    for (float logProb : logProbs.toFloats()) {
      sum += logProb;
    }
    assertThat(logProbs.toFloats()[2]).isZero();
    assertThat(-sum / (N - 1)).isCloseTo(loss.toFloats()[0], within(1e-6f));
    Tensor slopes = floats(N);
    slopes.set(same(-1f / (N - 1)));
    tape.backward(logProbs, slopes, trained());
    assertClose(gradients(), expected);
  }

  /** Forward, a host that computes slopes, backward: with other weights, and nothing recorded. */
  @Test
  void twoProgramsComputeWhatOneTapeDoes() {
    Tensor slopes = floats(N);
    slopes.set(same(1));
    Tape recorded = new Tape(backend, step, 1);
    Tensor out = recorded.logProbs(hidden(recorded), wte, Tensor.NONE, targets, 0.7f);
    Program forward = recorded.program();
    recorded.backward(out, slopes, trained());
    Program backward = recorded.backwardProgram();
    for (int run = 0; run < 3; run++) {
      fill(wte);
      fill(w);
      forward.run();
      float[] logProbs = out.toFloats();
      slopes.set(squared(logProbs));
      backward.run();
      float[][] got = gradients();
      try (Region other = backend.region()) {
        Tape tape = new Tape(backend, other, 1);
        Tensor again = tape.logProbs(hidden(tape), wte, Tensor.NONE, targets, 0.7f);
        assertThat(logProbs).isEqualTo(again.toFloats());
        tape.backward(again, slopes, trained());
        assertThat(got).isEqualTo(gradients());
      }
    }
  }

  @Test
  void gradientsOfTwoHeadsMeetInTheirBody() {
    Tensor dl = floats(N);
    Tensor dv = floats(2, N / 2, 1);
    fill(dl);
    fill(dv);
    float[][][] apart = new float[2][][];
    for (int i = 0; i < 2; i++) {
      Tape tape = new Tape(backend, step, 1);
      Tensor x = hidden(tape);
      Tensor logProbs = tape.logProbs(x, wte, Tensor.NONE, targets, 1);
      Tensor values = tape.linear(x, score, Tensor.NONE);
      tape.backward(i == 0 ? logProbs : values, i == 0 ? dl : dv, trained());
      apart[i] = gradients();
    }
    Tape tape = new Tape(backend, step, 1);
    Tensor x = hidden(tape);
    Tensor logProbs = tape.logProbs(x, wte, Tensor.NONE, targets, 1);
    Tensor values = tape.linear(x, score, Tensor.NONE);
    float[] before = logProbs.toFloats();
    tape.backward(List.of(logProbs, values), List.of(dl, dv), trained());
    assertClose(gradients(), sums(apart));
    assertThat(logProbs.toFloats()).isEqualTo(before);
    assertThat(values.toFloats()).hasSize(N);
  }

  /** The gradient that is given and the one that comes from behind. */
  @Test
  void anOutputThatIsAnInputTooGetsBothGradients() {
    Tensor dx = floats(2, N / 2, C);
    fill(dx);
    Tensor one = floats(1);
    one.set(1f);
    float[][][] apart = new float[2][][];
    for (int i = 0; i < 2; i++) {
      Tape tape = new Tape(backend, step, 1);
      Tensor x = hidden(tape);
      Tensor loss = tape.linearCrossEntropy(x, wte, Tensor.NONE, targets, 0);
      tape.backward(i == 0 ? x : loss, i == 0 ? dx : one, trained());
      apart[i] = gradients();
    }
    Tape tape = new Tape(backend, step, 1);
    Tensor x = hidden(tape);
    Tensor loss = tape.linearCrossEntropy(x, wte, Tensor.NONE, targets, 0);
    tape.backward(List.of(x, loss), List.of(dx, one), trained());
    assertClose(gradients(), sums(apart));
  }

  @Test
  void allocatesNothingWhereProgramsRunAgain() {
    Tensor slopes = floats(N);
    Tape tape = new Tape(backend, step, 1);
    Tensor out = tape.logProbs(hidden(tape), wte, Tensor.NONE, targets, 0.7f);
    Program forward = tape.program();
    tape.backward(out, slopes, trained());
    long bytes = step.bytes();
    forward.run();
    tape.backwardProgram().run();
    assertThat(step.bytes()).isEqualTo(bytes);
  }

  @Test
  void refusesGradientsThatDoNotFit() {
    Tape tape = new Tape(backend, step, 1);
    Tensor out = tape.logProbs(hidden(tape), wte, Tensor.NONE, targets, 1);
    refused(
        () -> tape.backward(out, floats(N - 1), List.of()),
        "backward: F32(6) needs a gradient of its type and shape, got F32(5)");
    refused(
        () -> tape.backward(out, ids.reshape(Shape.of(N)), List.of()),
        "backward: F32(6) needs a gradient of its type and shape, got I32(6)");
    refused(
        () -> tape.backward(List.of(out), List.of(), List.of()),
        "backward: needs outputs and as many gradients, got 1 and 0");
    refused(
        () -> tape.backward(List.of(), List.of(), List.of()),
        "backward: needs outputs and as many gradients, got 0 and 0");
    refused(
        () -> tape.backward(floats(N), floats(N), List.of()),
        "backward: no operation of this tape made the loss of something trained, or its gradients"
            + " are taken already");
    refused(
        tape::backwardProgram, "backwardProgram: call backward first, which records what it runs");
    tape.backward(out, floats(N), List.of()); // nothing was spoilt
  }

  private static void refused(Runnable call, String message) {
    assertThatThrownBy(call::run).isInstanceOf(JambicException.class).hasMessage(message);
  }

  private Tensor hidden(Ops ops) {
    Tensor x = ops.embed(ids, wte, Tensor.NONE);
    return ops.residual(x, ops.linear(x, w, Tensor.NONE, Activation.GELU_TANH), 0);
  }

  private Tensor loss(Ops ops) {
    return ops.linearCrossEntropy(hidden(ops), wte, Tensor.NONE, targets, 0);
  }

  private List<Tensor> trained() {
    return List.of(wte, w, score);
  }

  private float[][] gradients() {
    return trained().stream().map(t -> t.grad().toFloats()).toArray(float[][]::new);
  }

  private static float[][] sums(float[][][] parts) {
    float[][] sums = Stream.of(parts[0]).map(float[]::clone).toArray(float[][]::new);
    for (int i = 0; i < sums.length; i++) {
      for (int j = 0; j < sums[i].length; j++) {
        sums[i][j] += parts[1][i][j];
      }
    }
    return sums;
  }

  private static void assertClose(float[][] got, float[][] expected) {
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        assertThat(got[i][j]).as("%d of tensor %d", j, i).isCloseTo(expected[i][j], within(1e-6f));
      }
    }
  }

  private static float[] same(float value) {
    float[] values = new float[N];
    Arrays.fill(values, value);
    return values;
  }

  /** The slopes of a loss that is not linear. */
  private static float[] squared(float[] logProbs) {
    float[] slopes = logProbs.clone();
    for (int i = 0; i < slopes.length; i++) {
      slopes[i] = 2 * (logProbs[i] + 1);
    }
    return slopes;
  }

  private Tensor weight(int... dims) {
    Tensor tensor = floats(dims);
    fill(tensor);
    tensor.setGrad(floats(dims));
    return tensor;
  }

  private void fill(Tensor tensor) {
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.5 * random.nextGaussian());
    }
    tensor.set(values);
  }

  private Tensor floats(int... dims) {
    Tensor tensor = weights.allocate(DType.F32, Shape.of(dims));
    tensor.set(new float[(int) tensor.size()]);
    return tensor;
  }

  private Tensor ints(Shape shape, int... values) {
    Tensor tensor = weights.allocate(DType.I32, shape);
    tensor.set(values);
    return tensor;
  }
}

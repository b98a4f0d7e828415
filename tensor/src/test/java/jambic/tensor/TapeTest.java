package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Gradients through graphs of operations, against finite differences on the reference backend. */
class TapeTest {
  private static final int B = 2;
  private static final int T = 3;
  private static final int C = 4;
  private static final int V = 5;
  private static final float TINY = 1e-12f;

  private final Backend backend = Backends.open("reference", 1);
  private final Region weights = backend.region();
  private final Region step = backend.region();
  private final Philox random = new Philox(7, 0);
  private final Tensor ids = ints(Shape.of(B, T), 0, 1, 2, 3, 4, 0);
  private final Tensor targets = ints(Shape.of(B, T), 1, 2, -1, 4, 0, 1);
  private final Tensor wte = weight(V, C);
  private final Tensor wpe = weight(T, C);
  private final Tensor w = weight(C, C);
  private final Tensor b = weight(C);
  private final Tensor g = weight(C);
  private final Tensor qkv = weight(3 * C, C);
  private final Tensor head = weight(V, C);
  private final Tensor input = weight(B, T, C);
  private final Tensor packed = weight(B, T, 3 * C);

  @AfterEach
  void close() {
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void followsATransformerBlock() {
    check(ops -> {
      Tensor x = ops.embed(ids, wte, wpe);
      Tensor y = ops.causalAttention(ops.linear(ops.layerNorm(x, g, b, 1e-5f), qkv, none()), 2, 0);
      x = ops.residual(x, ops.linear(y, w, b), 0);
      Tensor h = ops.linear(ops.layerNorm(x, g, none(), 1e-5f), w, b, Activation.GELU_ERF);
      x = ops.residual(x, ops.linear(h, w, none()), 0);
      return ops.linearCrossEntropy(x, head, none(), targets, 0.1f);
    });
  }

  @Test
  void endsWithAHeadThatHasABias() {
    check(ops -> ops.linearCrossEntropy(ops.embed(ids, wte, wpe), w, b, clipped(targets), 0));
    check(ops -> ops.linearCrossEntropy(input, w, b, clipped(targets), 0.2f));
  }

  @Test
  void endsWithAFrozenHead() {
    head.setGrad(none());
    check(ops -> ops.linearCrossEntropy(ops.embed(ids, wte, wpe), head, none(), targets, 0));
  }

  @Test
  void aHeadHasTheBitsOfALinearLayerAndItsLoss() {
    Tape apart = new Tape(backend, step, 1);
    Tensor x = apart.embed(ids, wte, wpe);
    Tensor loss = apart.crossEntropy(apart.linear(x, head, none()), targets, 0.1f);
    apart.backward(loss, 1, trained().toList());
    float[][] expected = gradients();
    Tape tape = new Tape(backend, step, 1);
    Tensor same = tape.linearCrossEntropy(tape.embed(ids, wte, wpe), head, none(), targets, 0.1f);
    tape.backward(same, 1, trained().toList());
    assertThat(same.toFloats()).isEqualTo(loss.toFloats());
    assertThat(gradients()).isEqualTo(expected);
  }

  @Test
  void followsANonlinearityByItself() {
    check(ops -> {
      Tensor x = ops.embed(ids, wte, wpe);
      Tensor sum = ops.residual(ops.linear(x, w, b), ops.linear(x, w, none()), 0);
      Tensor h = ops.activate(sum, Activation.GELU_TANH);
      return ops.crossEntropy(ops.linear(h, head, none()), targets, 0);
    });
  }

  @Test
  void addsUpTheGradientsOfATensorUsedTwice() {
    check(ops -> {
      Tensor x = ops.embed(ids, wte, none());
      Tensor left = ops.linear(x, w, b);
      Tensor right = ops.linear(x, w, none(), Activation.GELU_TANH);
      Tensor sum = ops.residual(left, right, 0);
      sum = ops.residual(sum, sum, 0); // the same tensor on both sides
      sum = ops.residual(x, sum, 0);
      return ops.crossEntropy(ops.linear(sum, head, none()), targets, 0);
    });
  }

  /** Where nothing is dropped, both sides of a residual have the same gradient, in one memory. */
  @Test
  void sharesAGradientThatIsAddedToOrOverwritten() {
    check(ops -> {
      Tensor x = ops.embed(ids, wte, wpe);
      Tensor skipped = ops.layerNorm(x, g, b, 1e-5f);
      Tensor y = ops.activate(x, Activation.GELU_TANH); // writes its gradient over the shared one
      Tensor first = ops.residual(skipped, y, 0);
      Tensor z = ops.linear(skipped, w, none(), Activation.GELU_ERF); // so does this
      Tensor second = ops.residual(first, z, 0);
      Tensor both = ops.residual(skipped, ops.residual(first, second, 0), 0);
      return ops.crossEntropy(ops.linear(both, head, none()), targets, 0);
    });
  }

  /** With a probability to drop that is too small to drop anything, every gradient is copied. */
  @Test
  void sharedGradientsHaveTheBitsOfCopies() {
    for (int seed = 0; seed < 300; seed++) {
      assertThat(gradientsOfGraph(seed, 0))
          .as("graph %d", seed)
          .isEqualTo(gradientsOfGraph(seed, TINY));
    }
  }

  /** What an operation writes over is needed by no derivative. */
  @Test
  void memoryTakenOverChangesNoGradient() {
    for (int seed = 0; seed < 300; seed++) {
      assertThat(gradientsOfGraph(seed, 0, false))
          .as("graph %d", seed)
          .isEqualTo(gradientsOfGraph(seed, 0, true));
    }
  }

  /** Whatever overwritten gradients held, they have the bits of those that were cleared. */
  @Test
  void freshGradientsHaveTheBitsOfClearedOnes() {
    for (int seed = 0; seed < 300; seed++) {
      float[][] cleared = gradientsOfGraph(seed, 0);
      Tape tape = new Tape(backend, step, 1);
      Tensor loss = lossOfGraph(tape, seed, 0, false);
      backend.elementwise().fill(trained().map(Tensor::grad).toList(), Float.NaN);
      tape.backward(loss, 1, trained().toList());
      assertThat(gradients()).as("graph %d", seed).isEqualTo(cleared);
      step.rewind();
    }
  }

  private float[][] gradientsOfGraph(int seed, float p) {
    return gradientsOfGraph(seed, p, false);
  }

  private float[][] gradientsOfGraph(int seed, float p, boolean keepsAll) {
    Tape tape = new Tape(backend, step, 1);
    Tensor loss = lossOfGraph(tape, seed, p, keepsAll);
    backend.elementwise().fill(trained().map(Tensor::grad).toList(), 0);
    tape.backward(loss, 1);
    step.rewind();
    return gradients();
  }

  private float[][] gradients() {
    return trained().map(t -> t.grad().toFloats()).toArray(float[][]::new);
  }

  /** Eight operations on whatever was computed so far, and the sum of what came out. */
  private Tensor lossOfGraph(Tape tape, int seed, float p, boolean keepsAll) {
    Philox choice = new Philox(seed, 1);
    List<Tensor> values = new ArrayList<>(List.of(input, tape.embed(ids, wte, wpe)));
    for (int i = 0; i < 8; i++) {
      Tensor x = values.get(choice.nextInt(values.size()));
      Tensor y = values.get(choice.nextInt(values.size()));
      int operation = choice.nextInt(8);
      Tensor out =
          switch (operation) {
            case 0 -> tape.linear(x, w, b);
            case 1 -> tape.linear(x, w, none(), Activation.GELU_TANH);
            case 2 -> tape.activate(x, Activation.GELU_ERF);
            case 3 -> tape.layerNorm(x, g, b, 1e-5f);
            case 4 -> tape.dropout(y, 0.3f);
            default -> residual(tape, x, y, p);
          };
      if (operation >= 4 && y == values.getLast()) {
        values.removeLast(); // its memory may be the output's now
      }
      values.add(out);
      readAgain(tape, out, keepsAll);
    }
    Tensor sum = values.removeLast();
    for (Tensor value : values) {
      sum = residual(tape, value, sum, p);
      readAgain(tape, sum, keepsAll);
    }
    return tape.crossEntropy(tape.linear(sum, head, none()), targets, 0);
  }

  /** A reader of its own, whose output nobody needs, keeps a tensor's memory. */
  private static void readAgain(Tape tape, Tensor x, boolean keeps) {
    if (keeps) {
      tape.activate(x, Activation.RELU);
    }
  }

  /** Takes a place to drop in any case, so that other places have the same numbers. */
  private static Tensor residual(Tape tape, Tensor x, Tensor y, float p) {
    if (p == 0) {
      tape.dropoutSite(TINY);
    }
    return tape.residual(x, y, p);
  }

  private Stream<Tensor> trained() {
    return Stream.of(wte, wpe, w, b, g, qkv, head, input, packed).filter(x -> !x.grad().isNone());
  }

  /** Reads at random, also what was written over: that is refused, and all else is intact. */
  @Test
  void refusesWhatIsWrittenOverAndNothingElse() {
    int gone = 0;
    for (int seed = 0; seed < 300; seed++) {
      step.rewind();
      Philox choice = new Philox(seed, 2);
      Tape tape = new Tape(backend, step, 1);
      List<Tensor> values = new ArrayList<>(List.of(tape.embed(ids, wte, wpe)));
      List<float[]> numbers = new ArrayList<>(List.of(values.getFirst().toFloats()));
      while (values.size() < 12) {
        Tensor x = values.get(choice.nextInt(values.size()));
        Tensor y = values.get(choice.nextInt(values.size()));
        Tensor out;
        try {
          out =
              switch (choice.nextInt(6)) {
                case 0 -> tape.linear(x, w, b);
                case 1 -> tape.activate(x, Activation.GELU_ERF);
                case 2 -> tape.causalAttention(tape.linear(x, qkv, none()), 2, 0);
                case 3 -> tape.dropout(y, 0.3f);
                default -> tape.residual(x, y, 0.1f);
              };
        } catch (JambicException refused) {
          assertThat(refused).hasMessageContaining("reuses its memory");
          continue;
        }
        values.add(out);
        numbers.add(out.toFloats());
      }
      for (int i = 0; i < values.size(); i++) {
        Tensor value = values.get(i);
        try {
          assertThat(value.toFloats()).as("graph %d, value %d", seed, i).isEqualTo(numbers.get(i));
        } catch (JambicException refused) {
          gone++;
        }
      }
    }
    assertThat(gone).isPositive();
  }

  @Test
  void keepsABranchThatWasReadBeforeItsResidual() {
    check(ops -> {
      Tensor x = ops.embed(ids, wte, wpe);
      Tensor y = ops.linear(x, w, b);
      Tensor h = ops.linear(y, w, none(), Activation.GELU_TANH);
      Tensor sum = ops.residual(ops.residual(x, y, 0), h, 0);
      sum = ops.residual(sum, ops.linear(y, w, none()), 0);
      return ops.crossEntropy(ops.linear(sum, head, none()), targets, 0);
    });
  }

  @Test
  void refusesABranchThatItsResidualWroteOver() {
    Tape tape = new Tape(backend, step, 1);
    Tensor x = tape.embed(ids, wte, wpe);
    Tensor y = tape.linear(x, w, b);
    Tensor sum = tape.residual(x, y, 0);
    assertThatThrownBy(() -> tape.residual(sum, tape.linear(y, w, none()), 0))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "linear: F32(2, 3, 4) is gone, since residual reuses its memory; read it before that,"
                + " or compute it again");
  }

  @Test
  void trainsWhatOperationsReadAsTheirInput() {
    check(ops -> {
      Tensor x = ops.residual(input, ops.causalAttention(packed, 2, 0), 0);
      x = ops.residual(ops.layerNorm(input, g, b, 1e-5f), x, 0);
      x = ops.residual(ops.dropout(input, 0.3f), x, 0.4f);
      x = ops.residual(ops.activate(input, Activation.GELU_ERF), x, 0);
      x = ops.residual(ops.linear(input, w, b, Activation.GELU_TANH), x, 0);
      x = ops.residual(x, ops.residual(input, input, 0), 0);
      return ops.crossEntropy(ops.linear(x, head, none()), targets, 0);
    });
    check(ops -> ops.crossEntropy(input, clipped(targets), 0));
    check(
        ops -> ops.crossEntropy(ops.linear(wte, wte, none()), ints(Shape.of(V), 0, 1, 2, 3, 4), 0));
  }

  /** As if a second tape had begun with it. */
  @Test
  void givesAComputedTensorTheGradientThatIsWanted() {
    Tensor targets = ints(Shape.of(B, T), 1, 2, -1, 3, 0, 1);
    Function<Tensor, Function<Ops, Tensor>> rest =
        x ->
            ops -> {
              Tensor y = ops.residual(ops.activate(x, Activation.GELU_ERF), x, 0.2f);
              return ops.crossEntropy(ops.linear(y, w, none()), targets, 0);
            };
    Tape whole = new Tape(backend, step, 1);
    Tensor x = whole.linear(whole.embed(ids, wte, wpe), w, b);
    Tensor begin = weight(B, T, C);
    begin.set(x.toFloats());
    x.setGrad(weights.allocate(DType.F32, x.shape()));
    whole.backward(rest.apply(x).apply(whole), 1, List.of(x));

    Tape second = new Tape(backend, step, 1);
    second.backward(rest.apply(begin).apply(second), 1);
    assertThat(x.grad().toFloats()).isEqualTo(begin.grad().toFloats());
    assertThat(x.grad().toFloats()).isNotEqualTo(new float[B * T * C]);
  }

  @Test
  void tiesTheHeadToTheEmbedding() {
    check(ops -> ops.crossEntropy(ops.linear(ops.embed(ids, wte, wpe), wte, none()), targets, 0));
  }

  @Test
  void keepsLogitsThatAreUsedAgain() {
    check(ops -> {
      Tensor logits = ops.linear(ops.embed(ids, wte, none()), w, b);
      Tensor normed = ops.layerNorm(logits, g, b, 1e-5f);
      return ops.crossEntropy(ops.residual(logits, normed, 0), clipped(targets), 0);
    });
  }

  @Test
  void dropsTheSameElementsForwardAndBackward() {
    check(ops -> {
      Tensor x = ops.dropout(ops.embed(ids, wte, wpe), 0.3f);
      Tensor y = ops.causalAttention(ops.linear(x, qkv, none()), 2, 0.4f);
      x = ops.residual(x, ops.linear(y, w, b), 0.5f);
      return ops.crossEntropy(ops.linear(x, head, none()), targets, 0);
    });
  }

  @Test
  void dropsOthersAtAnotherStep() {
    Tape tape = new Tape(backend, step, 1);
    Tensor x = ops(tape);
    float[] first = x.toFloats();
    tape.step().set(1);
    tape.program().run();
    float[] second = x.toFloats();
    tape.step().set(0);
    tape.program().run();
    assertThat(second).isNotEqualTo(first);
    assertThat(x.toFloats()).isEqualTo(first);
  }

  private Tensor ops(Tape tape) {
    return tape.dropout(tape.embed(ids, wte, wpe), 0.5f);
  }

  @Test
  void reusesMemoryOnTheWayBack() {
    Function<Integer, Long> bytes =
        layers -> {
          try (Region region = backend.region()) {
            Tape tape = new Tape(backend, region, 1);
            Tensor x = tape.embed(ids, wte, wpe);
            for (int i = 0; i < layers; i++) {
              x = tape.residual(x, tape.linear(tape.layerNorm(x, g, b, 1e-5f), w, b), 0);
            }
            Tensor before = region.allocate(DType.F32, Shape.of(1));
            tape.backward(tape.crossEntropy(tape.linear(x, head, none()), targets, 0), 1);
            Tensor after = region.allocate(DType.F32, Shape.of(1000));
            return after.offset() - before.offset();
          }
        };
    assertThat(bytes.apply(30)).isEqualTo(bytes.apply(3));
  }

  @Test
  void copiesNoGradientWhereNothingIsDropped() {
    List<String> launched = new ArrayList<>();
    Tape tape = new Tape(noting(launched), step, 1);
    Tensor x = tape.embed(ids, wte, wpe);
    for (int i = 0; i < 3; i++) {
      x = tape.residual(x, tape.linear(tape.layerNorm(x, g, b, 1e-5f), w, b), 0);
    }
    Tensor loss = tape.crossEntropy(tape.linear(x, head, none()), targets, 0);
    launched.clear();
    tape.backward(loss, 1);
    assertThat(launched)
        .contains("norm.backward")
        .doesNotContain("elementwise.dropout", "elementwise.add");
  }

  /** The backend, which also notes the names of kernels. */
  private Backend noting(List<String> names) {
    return (Backend)
        Proxy.newProxyInstance(
            Backend.class.getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("launch")) {
                names.add(((Launch) arguments[0]).kernel());
              }
              return method.invoke(backend, arguments);
            });
  }

  @Test
  void leavesFrozenWeightsAlone() {
    w.setGrad(Tensor.NONE);
    Tape tape = new Tape(backend, step, 1);
    Tensor loss =
        tape.crossEntropy(
            tape.linear(tape.linear(tape.embed(ids, wte, wpe), w, none()), head, none()),
            targets,
            0);
    tape.backward(loss, 1);
    assertThat(head.grad().toFloats()).isNotEqualTo(new float[V * C]);
    assertThat(wte.grad().toFloats()).isNotEqualTo(new float[V * C]);
  }

  @Test
  void refusesAViewThatWouldLoseTheWayBack() {
    Tape tape = new Tape(backend, step, 1);
    Tensor x = tape.embed(ids, wte, wpe);
    Tensor flat = x.reshape(Shape.of(B * T, C));
    assertThatThrownBy(() -> tape.linear(flat, w, none()))
        .isInstanceOf(ShapeException.class)
        .hasMessageContaining("views");
    Tensor row = g.reshape(Shape.of(1, C));
    assertThatThrownBy(() -> tape.linear(x, row, none()))
        .isInstanceOf(ShapeException.class)
        .hasMessageContaining("views");
    row.setGrad(weight(1, C).grad());
    tape.linear(x, row, none());
    assertThatThrownBy(() -> tape.linear(x, row.reshape(Shape.of(1, C)), none()))
        .isInstanceOf(ShapeException.class)
        .hasMessageContaining("views");
  }

  @Test
  void namesOperationAndShapes() {
    Tape tape = new Tape(backend, step, 1);
    Tensor x = tape.embed(ids, wte, wpe);
    assertThatThrownBy(() -> tape.linear(x, weight(6, 7), none()))
        .isInstanceOf(ShapeException.class)
        .hasMessage("linear: x F32(2, 3, 4) needs w (n, 4), got F32(6, 7)");
  }

  /** Compares every gradient with (loss(w + h) - loss(w - h)) / 2h, then the recorded program. */
  private void check(Function<Ops, Tensor> model) {
    List<Tensor> all = trained().toList();
    backend.elementwise().fill(all.stream().map(Tensor::grad).toList(), 0);
    step.rewind();
    Tape tape = new Tape(backend, step, 1);
    Tensor loss = model.apply(tape);
    tape.backward(loss, 0.5f);
    float[][] taken = all.stream().map(t -> t.grad().toFloats()).toArray(float[][]::new);
    float value = loss.toFloats()[0];

    tape.program().run();
    assertThat(loss.toFloats()[0]).isEqualTo(value);
    for (int i = 0; i < taken.length; i++) {
      float[] twice = all.get(i).grad().toFloats();
      for (int j = 0; j < twice.length; j++) {
        assertThat(twice[j]).isCloseTo(2 * taken[i][j], within(1e-5f));
      }
    }

    float h = 1e-2f;
    for (int i = 0; i < taken.length; i++) {
      Tensor tensor = all.get(i);
      float[] at = tensor.toFloats();
      for (int j = 0; j < at.length; j++) {
        double up = lossWith(model, tensor, at, j, h);
        double down = lossWith(model, tensor, at, j, -h);
        assertThat((double) taken[i][j])
            .as("gradient %d of %s", j, tensor)
            .isCloseTo(0.5 * (up - down) / (2 * h), within(2e-4));
      }
      tensor.set(at);
    }
  }

  private double lossWith(Function<Ops, Tensor> model, Tensor tensor, float[] at, int j, float h) {
    float[] moved = at.clone();
    moved[j] += h;
    tensor.set(moved);
    step.rewind();
    return model.apply(new Tape(backend, step, 1)).toFloats()[0];
  }

  private Tensor clipped(Tensor wide) {
    int[] values = wide.toInts();
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.min(values[i], C - 1);
    }
    return ints(wide.shape(), values);
  }

  private Tensor weight(int... dims) {
    Tensor tensor = weights.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.5 * random.nextGaussian());
    }
    tensor.set(values);
    tensor.setGrad(weights.allocate(DType.F32, tensor.shape()));
    backend.elementwise().fill(List.of(tensor.grad()), 0);
    return tensor;
  }

  private Tensor ints(Shape shape, int... values) {
    Tensor tensor = weights.allocate(DType.I32, shape);
    tensor.set(values);
    return tensor;
  }

  private static Tensor none() {
    return Tensor.NONE;
  }
}

package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A backward pass in parts, after each of which a group of gradients is final. */
class GradientGroupsTest {
  private static final int C = 4;
  private static final int V = 5;
  private static final Tensor NONE = Tensor.NONE;

  private final Backend backend = Backends.open("reference", 1);
  private final Region weights = backend.region();
  private final Region step = backend.region();
  private final Philox random = new Philox(11, 0);
  private final Tensor ids = ints(0, 1, 2, 3, 2, 0);
  private final Tensor targets = ints(1, 2, -1, 4, 0, 1);
  private final Tensor wte = weight(V, C); // the head, too
  private final Tensor wpe = weight(3, C);
  private final Tensor w = weight(C, C);
  private final Tensor g = weight(C); // of two norms
  private final Tensor up = weight(C, C);
  private final Tensor unused = weight(C);
  private final List<Tensor> trained = List.of(wte, wpe, w, g, up, unused);
  private Tape tape;

  @BeforeEach
  void record() {
    tape = new Tape(backend, step, 3);
    Tensor x = tape.embed(ids, wte, wpe);
    Tensor h = tape.linear(tape.layerNorm(x, g, NONE, 1e-5f), w, NONE, Activation.GELU_TANH);
    x = tape.residual(x, tape.linear(h, up, NONE), 0);
    Tensor loss = tape.linearCrossEntropy(tape.layerNorm(x, g, NONE, 1e-5f), wte, NONE, targets, 0);
    tape.backward(loss, 1, trained);
  }

  @AfterEach
  void close() {
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void aGroupIsFinalWhenItsPartHasRun() {
    tape.program().run();
    List<List<Tensor>> groups =
        List.of(List.of(up.grad(), unused.grad()), List.of(w.grad()), List.of(g.grad()));
    List<float[]> expected = trained.stream().map(x -> x.grad().toFloats()).toList();
    trained.forEach(x -> x.grad().set(filled(x, 7)));
    List<Program> parts = tape.programs(groups);
    assertThat(parts).hasSameSizeAs(groups);
    for (int i = 0; i < parts.size(); i++) {
      parts.get(i).run();
      for (Tensor gradient : groups.get(i)) {
        assertThat(gradient.toFloats()).isEqualTo(expected.get(place(gradient)));
      }
    }
    for (Tensor each : trained) {
      assertThat(each.grad().toFloats()).isEqualTo(expected.get(place(each.grad())));
    }
  }

  @Test
  void laterGroupsAreNotComputedBefore() {
    tape.program().run();
    float[] head = wte.grad().toFloats();
    float[] norm = g.grad().toFloats();
    float[] first = w.grad().toFloats();
    w.grad().set(filled(w, 7));
    List<Program> parts = tape.programs(List.of(List.of(up.grad()), List.of(wte.grad())));
    parts.getFirst().run();
    assertThat(w.grad().toFloats()).isNotEqualTo(first);
    assertThat(g.grad().toFloats()).isNotEqualTo(norm);
    assertThat(wte.grad().toFloats()).isNotEqualTo(head); // the head's part alone
    parts.getLast().run();
    assertThat(w.grad().toFloats()).isEqualTo(first);
    assertThat(wte.grad().toFloats()).isEqualTo(head);
  }

  @Test
  void aBackwardProgramIsCutLikewise() {
    try (Region other = backend.region()) {
      Tape twoParts = new Tape(backend, other, 3);
      Tensor out =
          twoParts.linear(twoParts.linear(twoParts.embed(ids, wte, wpe), w, NONE), up, NONE);
      Program forward = twoParts.program();
      Tensor dout = other.allocate(out.dtype(), out.shape());
      dout.set(filled(out, 1));
      twoParts.backward(out, dout, trained);
      float[] expected = up.grad().toFloats();
      float[] before = w.grad().toFloats();
      up.grad().set(filled(up, 7));
      w.grad().set(filled(w, 7));
      List<Program> parts =
          twoParts.backwardPrograms(List.of(List.of(up.grad()), List.of(w.grad(), wte.grad())));
      forward.run();
      parts.getFirst().run();
      assertThat(up.grad().toFloats()).isEqualTo(expected);
      assertThat(w.grad().toFloats()).isEqualTo(filled(w, 7));
      parts.getLast().run();
      assertThat(w.grad().toFloats()).isEqualTo(before);
    }
  }

  private int place(Tensor gradient) {
    return trained.stream().map(Tensor::grad).toList().indexOf(gradient);
  }

  private static float[] filled(Tensor like, float value) {
    float[] values = new float[Math.toIntExact(like.size())];
    Arrays.fill(values, value);
    return values;
  }

  private Tensor weight(int... extents) {
    Tensor tensor = weights.allocate(DType.F32, Shape.of(extents));
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    tensor.setGrad(weights.allocate(DType.F32, tensor.shape()));
    return tensor;
  }

  private Tensor ints(int... values) {
    Tensor tensor = weights.allocate(DType.I32, Shape.of(2, 3));
    tensor.set(values);
    return tensor;
  }
}

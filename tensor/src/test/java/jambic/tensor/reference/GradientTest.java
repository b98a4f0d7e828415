package jambic.tensor.reference;

import static org.junit.jupiter.api.Assertions.fail;

import jambic.tensor.Activation;
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

/**
 * Every backward of the reference is the derivative of its forward, by finite differences: with the
 * scalar {@code L = sum(out * dout)}, taken in double precision, the central difference of fourth
 * order {@code (8 (L(x+h) - L(x-h)) - (L(x+2h) - L(x-2h))) / 12h} of each element of each input.
 */
class GradientTest {
  /** Exact in binary, so that x + h is x + h unless x is large. */
  private static final float H = 1f / 32;

  /**
   * Outputs are rounded to 24 bits: sums of some dozens of numbers near 1 have errors of 1e-6,
   * which divided by h are 3e-5; h⁴ times the fifth derivatives is below.
   */
  private static final double TOLERANCE = 2e-4;

  private final Backend backend = new ReferenceBackend();
  private final Region region = backend.region();
  private final Philox random = new Philox(2026, 0);

  /** An input and the gradient that a backward kernel computed for it. */
  private record Trained(String name, Tensor x, Tensor dx) {}

  @AfterEach
  void close() {
    region.close();
  }

  @Test
  void linear() {
    Tensor x = normal(3, 5);
    Tensor w = normal(4, 5);
    Tensor b = normal(4);
    Tensor out = normal(3, 4);
    Tensor dout = normal(3, 4);
    Tensor dx = normal(3, 5);
    Tensor dw = normal(4, 5);
    Tensor db = normal(4);
    backend.linear().backwardInput(dx, dout, w, false);
    backend.linear().backwardWeight(dw, db, dout, x, false);
    check(
        "linear",
        () -> backend.linear().forward(out, x, w, b),
        out,
        dout,
        List.of(new Trained("x", x, dx), new Trained("w", w, dw), new Trained("b", b, db)));
  }

  @Test
  void linearActivated() {
    for (Activation activation : Activation.values()) {
      Tensor x = normal(3, 5);
      Tensor w = normal(4, 5);
      Tensor b = normal(4);
      Tensor pre = normal(3, 4);
      Tensor out = normal(3, 4);
      Tensor dout = normal(3, 4);
      Tensor dpre = normal(3, 4);
      Tensor dx = normal(3, 5);
      Tensor dw = normal(4, 5);
      Tensor db = normal(4);
      backend.linear().forwardActivated(out, pre, x, w, b, activation);
      if (activation == Activation.RELU) {
        // No element may cross the kink: the bias takes each column to one side.
        b.set(50f, -50f, 50f, -50f);
        backend.linear().forwardActivated(out, pre, x, w, b, activation);
      }
      backend.linear().backwardActivated(dpre, db, dout, pre, activation, false);
      backend.linear().backwardInput(dx, dpre, w, false);
      backend.linear().backwardWeight(dw, Tensor.NONE, dpre, x, false);
      check(
          "linear, " + activation,
          () -> backend.linear().forwardActivated(out, pre, x, w, b, activation),
          out,
          dout,
          List.of(new Trained("x", x, dx), new Trained("w", w, dw), new Trained("b", b, db)));
    }
  }

  @Test
  void accumulatedInputGradientsAddUp() {
    Tensor w = normal(4, 5);
    Tensor dout = normal(3, 4);
    Tensor once = normal(3, 5);
    Tensor twice = normal(3, 5);
    backend.linear().backwardInput(once, dout, w, false);
    backend.linear().backwardInput(twice, dout, w, false);
    backend.linear().backwardInput(twice, dout, w, true);
    close("backwardInput twice", doubled(once.toFloats()), twice.toFloats());

    Tensor x = normal(3, 5);
    Tensor g = normal(5);
    Tensor out = normal(3, 5);
    Tensor mean = zeros(3);
    Tensor rstd = zeros(3);
    Tensor dy = normal(3, 5);
    backend.norm().forward(out, mean, rstd, x, g, Tensor.NONE, 1e-5f);
    backend.norm().backward(once, Tensor.NONE, Tensor.NONE, dy, x, g, mean, rstd, false);
    backend.norm().backward(twice, Tensor.NONE, Tensor.NONE, dy, x, g, mean, rstd, false);
    backend.norm().backward(twice, Tensor.NONE, Tensor.NONE, dy, x, g, mean, rstd, true);
    close("norm.backward twice", doubled(once.toFloats()), twice.toFloats());
  }

  @Test
  void embedding() {
    Tensor wte = normal(5, 3);
    Tensor wpe = normal(6, 3);
    Tensor ids = integers(new int[] {4, 0, 4, 4, 2, 2, 0, 4}, 2, 4);
    Tensor out = normal(2, 4, 3);
    Tensor dout = normal(2, 4, 3);
    Tensor dwte = zeros(5, 3);
    Tensor dwpe = zeros(6, 3);
    backend.embedding().backward(dwte, dwpe, dout, ids, 1.7f);
    check(
        "embedding",
        () -> backend.embedding().forward(out, ids, wte, wpe, Tensor.NONE, 1.7f),
        out,
        dout,
        List.of(new Trained("wte", wte, dwte), new Trained("wpe", wpe, dwpe)));
  }

  @Test
  void norm() {
    Tensor x = normal(4, 9);
    Tensor g = normal(9);
    Tensor b = normal(9);
    Tensor out = normal(4, 9);
    Tensor mean = zeros(4);
    Tensor rstd = zeros(4);
    Tensor dout = normal(4, 9);
    Tensor dx = normal(4, 9);
    Tensor dg = zeros(9);
    Tensor db = zeros(9);
    Runnable forward = () -> backend.norm().forward(out, mean, rstd, x, g, b, 1e-5f);
    forward.run();
    backend.norm().backward(dx, dg, db, dout, x, g, mean, rstd, false);
    check(
        "norm",
        forward,
        out,
        dout,
        List.of(new Trained("x", x, dx), new Trained("g", g, dg), new Trained("b", b, db)));
  }

  @Test
  void activations() {
    float[] points = {-7, -4.5f, -3, -2, -1, -0.5f, -0.1f, 0.1f, 0.3f, 0.9f, 1.7f, 3, 4.4f, 8};
    for (Activation activation : Activation.values()) {
      Tensor x = zeros(points.length);
      x.set(points);
      Tensor out = zeros(points.length);
      Tensor dout = normal(points.length);
      Tensor dx = zeros(points.length);
      backend.activation().backward(dx, dout, x, activation);
      check(
          activation.toString(),
          () -> backend.activation().forward(out, x, activation),
          out,
          dout,
          List.of(new Trained("x", x, dx)));
    }
  }

  @Test
  void dropoutAndResidual() {
    Dropout dropout = dropout(0.3f);
    Tensor x = normal(5, 15);
    Tensor y = normal(5, 15);
    Tensor out = normal(5, 15);
    Tensor dout = normal(5, 15);
    Tensor dropped = normal(5, 15);
    backend.elementwise().dropout(dropped, dout, dropout);
    check(
        "dropout",
        () -> backend.elementwise().dropout(out, x, dropout),
        out,
        dout,
        List.of(new Trained("x", x, dropped)));
    check(
        "residual",
        () -> backend.elementwise().residual(out, x, y, dropout),
        out,
        dout,
        List.of(new Trained("x", x, dout), new Trained("y", y, dropped)));
    check(
        "add",
        () -> backend.elementwise().add(out, x, y),
        out,
        dout,
        List.of(new Trained("x", x, dout), new Trained("y", y, dout)));
  }

  @Test
  void scaleAndMultiply() {
    Tensor x = normal(5, 3);
    Tensor y = normal(5, 3);
    Tensor out = normal(5, 3);
    Tensor dout = normal(5, 3);
    Tensor dx = normal(5, 3);
    Tensor dy = normal(5, 3);
    backend.elementwise().scale(dx, dout, -2.5f);
    check(
        "scale",
        () -> backend.elementwise().scale(out, x, -2.5f),
        out,
        dout,
        List.of(new Trained("x", x, dx)));
    backend.elementwise().multiply(dx, dout, y);
    backend.elementwise().multiply(dy, dout, x);
    check(
        "multiply",
        () -> backend.elementwise().multiply(out, x, y),
        out,
        dout,
        List.of(new Trained("x", x, dx), new Trained("y", y, dy)));
  }

  @Test
  void rows() {
    Tensor x = normal(5, 3);
    Tensor index = integers(new int[] {4, 0, 4, 2, 4, 0}, 6);
    Tensor out = normal(6, 3);
    Tensor dout = normal(6, 3);
    Tensor dx = normal(5, 3);
    backend.embedding().rowsBackward(dx, dout, index, false);
    check(
        "rows",
        () -> backend.embedding().rows(out, x, index),
        out,
        dout,
        List.of(new Trained("x", x, dx)));
    Tensor twice = normal(5, 3);
    backend.embedding().rowsBackward(twice, dout, index, false);
    backend.embedding().rowsBackward(twice, dout, index, true);
    close("rowsBackward twice", doubled(dx.toFloats()), twice.toFloats());
  }

  @Test
  void attention() {
    Tensor lengths = integers(new int[] {3, 5}, 2);
    for (Dropout dropout : List.of(Dropout.NONE, dropout(0.4f))) {
      attention("causal", 5, 5, Tensor.NONE, true, dropout);
      attention("causal, lengths", 5, 5, lengths, true, dropout);
      attention("cross", 3, 5, Tensor.NONE, false, dropout);
      attention("cross, lengths", 4, 5, lengths, false, dropout);
    }
  }

  private void attention(
      String title, int t, int s, Tensor lengths, boolean causal, Dropout dropout) {
    int heads = 2;
    int c = heads * 3;
    float scale = 0.8f;
    Tensor q = normal(2, t, c);
    Tensor k = normal(2, s, c);
    Tensor v = normal(2, s, c);
    Tensor out = normal(2, t, c);
    Tensor lse = zeros(2, heads, t);
    Tensor dout = normal(2, t, c);
    Tensor dq = normal(2, t, c);
    Tensor dk = normal(2, s, c);
    Tensor dv = normal(2, s, c);
    Runnable forward =
        () ->
            backend.attention().forward(out, lse, q, k, v, lengths, heads, causal, scale, dropout);
    forward.run();
    backend
        .attention()
        .backward(dq, dk, dv, dout, out, lse, q, k, v, lengths, heads, causal, scale, dropout);
    check(
        "attention, " + title + ", dropout " + dropout.p(),
        forward,
        out,
        dout,
        List.of(new Trained("q", q, dq), new Trained("k", k, dk), new Trained("v", v, dv)));
  }

  @Test
  void crossEntropy() {
    Tensor targets = integers(new int[] {2, -1, 0, 6, 2}, 5);
    for (float smoothing : new float[] {0, 0.2f}) {
      Tensor logits = normal(5, 7);
      Tensor loss = zeros(1);
      Tensor lse = zeros(5);
      Tensor dloss = zeros(1);
      dloss.set(1.7f);
      Tensor dlogits = normal(5, 7);
      Runnable forward = () -> backend.loss().crossEntropy(loss, lse, logits, targets, smoothing);
      forward.run();
      backend.loss().crossEntropyBackward(dlogits, dloss, lse, logits, targets, smoothing);
      check(
          "crossEntropy, smoothing " + smoothing,
          forward,
          loss,
          dloss,
          List.of(new Trained("logits", logits, dlogits)));
    }
  }

  @Test
  void logProbs() {
    Tensor targets = integers(new int[] {2, -1, 0, 6, 2}, 5);
    for (float temperature : new float[] {1, 0.7f, 3}) {
      Tensor logits = normal(5, 7);
      Tensor out = zeros(5);
      Tensor lse = zeros(5);
      Tensor dout = normal(5);
      Tensor dlogits = normal(5, 7);
      Runnable forward = () -> backend.loss().logProbs(out, lse, logits, targets, temperature);
      forward.run();
      backend.loss().logProbsBackward(dlogits, dout, lse, logits, targets, temperature);
      check(
          "logProbs, temperature " + temperature,
          forward,
          out,
          dout,
          List.of(new Trained("logits", logits, dlogits)));
    }
  }

  private void check(
      String title, Runnable forward, Tensor out, Tensor dout, List<Trained> trained) {
    for (Trained t : trained) {
      float[] values = t.x.toFloats();
      float[] expected = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        float x = values[i];
        double[] loss = new double[4];
        double[] at = {x + H, x - H, x + 2 * H, x - 2 * H};
        for (int j = 0; j < 4; j++) {
          values[i] = (float) at[j];
          t.x.set(values);
          forward.run();
          loss[j] = inner(out.toFloats(), dout.toFloats());
        }
        values[i] = x;
        expected[i] = (float) ((8 * (loss[0] - loss[1]) - (loss[2] - loss[3])) / (12.0 * H));
      }
      t.x.set(values);
      close("gradient of " + title + " by " + t.name, expected, t.dx.toFloats());
    }
  }

  private static void close(String title, float[] expected, float[] got) {
    for (int i = 0; i < got.length; i++) {
      if (!(Math.abs(got[i] - expected[i]) <= TOLERANCE * (1 + Math.abs(expected[i])))) {
        fail(title + " at index " + i + ": expected " + expected[i] + ", got " + got[i]);
      }
    }
  }

  private static double inner(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static float[] doubled(float[] values) {
    float[] doubled = values.clone();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] *= 2;
    }
    return doubled;
  }

  private Dropout dropout(float p) {
    return new Dropout(p, 99, 1, integers(new int[] {4}, 1));
  }

  private Tensor normal(int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    tensor.set(values);
    return tensor;
  }

  private Tensor zeros(int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[(int) tensor.size()];
    Arrays.fill(values, 0);
    tensor.set(values);
    return tensor;
  }

  private Tensor integers(int[] values, int... dims) {
    Tensor tensor = region.allocate(DType.I32, Shape.of(dims));
    tensor.set(values);
    return tensor;
  }
}

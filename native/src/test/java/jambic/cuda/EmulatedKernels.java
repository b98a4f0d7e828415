package jambic.cuda;

import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Philox;
import jambic.tensor.Precision;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;

/** The kernels between products in bfloat16, each beside the reference on the same numbers. */
final class EmulatedKernels {
  /** What rounding a result to eight bits moves it by, as a distance of vectors. */
  private static final double ROUNDED = 0.003;

  /** What is summed and kept in 32 bits. */
  private static final double SUMMED = 1e-5;

  /**
   * What a backend computes with. Tensors of odd streams start an element behind 16 bytes where
   * shifts has its first bit, those of even streams where it has its second.
   */
  private record Side(Backend backend, Region region, DType activations, int shifts) {
    /** Numbers that bfloat16 has, where activations are. */
    Tensor activations(int stream, int... dims) {
      return put(activations, stream, halves(stream, dims), dims);
    }

    /** Small numbers that bfloat16 has, where weights are. */
    Tensor weights(int stream, int... dims) {
      float[] values = halves(stream, dims);
      for (int i = 0; i < values.length; i++) {
        values[i] /= 8;
      }
      return put(DType.F32, stream, values, dims);
    }

    Tensor floats(int stream, int... dims) {
      return put(DType.F32, stream, normal(stream, Shape.of(dims)), dims);
    }

    Tensor put(DType dtype, int stream, float[] values, int... dims) {
      Tensor tensor = tensor(dtype, stream, dims);
      tensor.set(values);
      return tensor;
    }

    /** The same numbers in a matrix as regions give them out. */
    Tensor inRoom(Tensor matrix) {
      Tensor copy = region.allocate(matrix.dtype(), matrix.shape());
      copy.set(matrix.toFloats());
      return copy;
    }

    Tensor integers(int[] values) {
      Tensor tensor = tensor(DType.I32, 1, values.length);
      tensor.set(values);
      return tensor;
    }

    private Tensor tensor(DType dtype, int stream, int... dims) {
      Shape shape = Shape.of(dims);
      int shift = stream % 2 == 1 ? shifts & 1 : shifts >> 1;
      Tensor room = region.allocate(dtype, Shape.of(Math.toIntExact(shape.size()) + shift));
      return Tensor.over(shape, dtype, room.storage(), room.offset() + shift);
    }

    private static float[] halves(int stream, int... dims) {
      float[] values = normal(stream, Shape.of(dims));
      for (int i = 0; i < values.length; i++) {
        values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xFFFF0000);
      }
      return values;
    }

    private static float[] normal(int stream, Shape shape) {
      Philox random = new Philox(11, stream);
      float[] values = new float[Math.toIntExact(shape.size())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return values;
    }
  }

  private final Backend reference = Backends.open("reference", 1, Precision.BEST);
  private final Backend cuda = Backends.open("cuda", 1, Precision.BF16);

  private EmulatedKernels() {}

  static void all() {
    EmulatedKernels kernels = new EmulatedKernels();
    for (int[] size : new int[][] {{5, 24}, {9, 63}, {17, 384}, {3, 1100}, {2, 4200}, {2100, 16}}) {
      for (int shifts = 0; shifts < 4; shifts++) {
        kernels.norm(shifts, size[0], size[1]);
        kernels.biasGradient(shifts, size[0], size[1]);
      }
    }
    kernels.biasGradient(0, 4200, 24);
    for (int n : new int[] {1, 100, 1000, 20_011}) {
      for (int shifts = 0; shifts < 4; shifts++) {
        kernels.elementwise(shifts, n);
      }
    }
    for (int vocabulary : new int[] {17, 1003, 5000}) {
      for (int shifts = 0; shifts < 4; shifts++) {
        kernels.loss(shifts, vocabulary);
      }
    }
    for (int shifts = 0; shifts < 4; shifts++) {
      kernels.rows(shifts, 7, 63, 40);
      kernels.rows(shifts, 300, 200, 9);
      kernels.pages(shifts, 3, 5);
      kernels.pages(shifts, 16, 40);
    }
    for (Activation activation : Activation.values()) {
      kernels.activation(activation);
    }
    kernels.cuda.close();
    kernels.reference.close();
  }

  /** Products over padded logits, and the loss. */
  static void heads() {
    EmulatedKernels kernels = new EmulatedKernels();
    for (int vocabulary : new int[] {1003, 1024, 1025, 1030, 2063}) {
      for (boolean biased : new boolean[] {false, true}) {
        for (boolean roomy : new boolean[] {false, true}) {
          kernels.head(vocabulary, biased, roomy);
        }
      }
    }
    kernels.cuda.close();
    kernels.reference.close();
  }

  /** Runs a case on both sides; it says what to compare, and how closely. */
  private void check(String title, int shifts, BiConsumer<Side, Outputs> kernels) {
    Outputs expected = new Outputs();
    Outputs got = new Outputs();
    try (Region region = reference.region()) {
      kernels.accept(new Side(reference, region, DType.F32, 0), expected);
    }
    try (Region region = cuda.region()) {
      kernels.accept(new Side(cuda, region, DType.BF16, shifts), got);
    }
    StringBuilder wrong = new StringBuilder();
    for (int i = 0; i < got.names.size(); i++) {
      double distance = EmulatedMain.distance(expected.values.get(i), got.values.get(i));
      if (!(distance <= got.tolerances.get(i))) {
        wrong.append(' ').append(got.names.get(i)).append(" off by ").append(distance);
      }
    }
    report(title + ", shifts " + shifts, wrong.toString());
  }

  private static void report(String title, String wrong) {
    System.out.println(title + (wrong.isEmpty() ? " passed" : " failed:" + wrong));
  }

  /** What kernels wrote. */
  private static final class Outputs {
    private final List<String> names = new ArrayList<>();
    private final List<float[]> values = new ArrayList<>();
    private final List<Double> tolerances = new ArrayList<>();

    void add(String name, Tensor tensor, double tolerance) {
      names.add(name);
      values.add(tensor.toFloats());
      tolerances.add(tolerance);
    }
  }

  private void norm(int shifts, int rows, int c) {
    check(
        "norm R " + rows + " C " + c,
        shifts,
        (side, outputs) -> {
          Tensor x = side.activations(1, rows, c);
          Tensor g = side.floats(2, c);
          Tensor b = side.floats(3, c);
          Tensor out = side.activations(4, rows, c);
          Tensor mean = side.floats(5, rows);
          Tensor rstd = side.floats(6, rows);
          side.backend.norm().forward(out, mean, rstd, x, g, b, 1e-5f);
          outputs.add("out", out, ROUNDED);
          outputs.add("mean", mean, SUMMED);
          outputs.add("rstd", rstd, SUMMED);
          Tensor dout = side.activations(7, rows, c);
          Tensor dx = side.activations(8, rows, c);
          Tensor dg = side.floats(9, c);
          Tensor db = side.floats(10, c);
          side.backend.norm().backward(dx, dg, db, dout, x, g, mean, rstd, true);
          outputs.add("dx added to", dx, ROUNDED);
          side.backend.norm().backward(dx, Tensor.NONE, db, dout, x, g, mean, rstd, false);
          outputs.add("dx", dx, ROUNDED);
          side.backend.norm().backward(dout, dg, Tensor.NONE, dout, x, g, mean, rstd, false);
          outputs.add("dx in place", dout, ROUNDED);
          outputs.add("dg", dg, SUMMED);
          outputs.add("db", db, SUMMED);
        });
  }

  private void biasGradient(int shifts, int rows, int c) {
    check(
        "gradient of a bias, R " + rows + " C " + c,
        shifts,
        (side, outputs) -> {
          Tensor dw = side.floats(1, c, 8);
          Tensor db = side.floats(2, c);
          float[] nothing = new float[c];
          Arrays.fill(nothing, Float.NaN);
          Tensor overwritten = side.put(DType.F32, 2, nothing, c);
          Tensor dout = side.activations(3, rows, c);
          Tensor x = side.activations(4, rows, 8);
          side.backend.linear().backwardWeight(dw, db, dout, x, true);
          outputs.add("db added to", db, SUMMED);
          side.backend.linear().backwardWeight(dw, overwritten, dout, x, false);
          outputs.add("db", overwritten, SUMMED);
          Tensor pre = side.activations(5, rows, c);
          for (Activation activation : Activation.values()) {
            Tensor own = side.activations(3, rows, c); // rounded once, whatever came before
            side.backend.linear().backwardActivated(own, db, own, pre, activation, true);
            outputs.add(activation + ", dpre in place", own, ROUNDED);
            outputs.add(activation + ", db added to", db, 2 * ROUNDED);
            Tensor dpre = side.activations(6, rows, c);
            side.backend.linear().backwardActivated(dpre, db, own, pre, activation, false);
            outputs.add(activation + ", dpre", dpre, 2 * ROUNDED);
            outputs.add(activation + ", db", db, 2 * ROUNDED);
          }
        });
  }

  private void elementwise(int shifts, int n) {
    check(
        "elementwise " + n,
        shifts,
        (side, outputs) -> {
          Tensor x = side.activations(1, n);
          Tensor y = side.activations(2, n);
          Tensor out = side.activations(3, n);
          Dropout dropout = new Dropout(0.2f, 0x5EED, 3, side.integers(new int[] {12}));
          side.backend.elementwise().dropout(out, x, dropout);
          outputs.add("dropout", out, ROUNDED);
          side.backend.elementwise().residual(out, x, y, dropout);
          outputs.add("residual", out, ROUNDED);
          side.backend.elementwise().residual(y, x, y, dropout);
          outputs.add("residual in place", y, ROUNDED);
          side.backend.elementwise().add(out, x, y);
          outputs.add("add", out, ROUNDED);
          side.backend.elementwise().multiply(out, x, out);
          outputs.add("multiply in place", out, 2 * ROUNDED);
          side.backend.elementwise().scale(out, x, -2.7f);
          outputs.add("scale", out, ROUNDED);
          side.backend.elementwise().scale(y, y, 0.3f);
          outputs.add("scale in place", y, 2 * ROUNDED);
          side.backend.elementwise().fill(List.of(x, out), 0.1f);
          outputs.add("fill", out, ROUNDED);
        });
  }

  private void loss(int shifts, int vocabulary) {
    int rows = 5;
    check(
        "cross-entropy V " + vocabulary,
        shifts,
        (side, outputs) -> {
          Tensor logits = side.activations(1, rows, vocabulary);
          Tensor dlogits = side.activations(2, rows, vocabulary);
          Tensor loss = side.floats(3, 1);
          Tensor lse = side.floats(4, rows);
          Tensor targets = side.integers(new int[] {vocabulary - 1, 0, -1, 7, 7});
          side.backend.loss().crossEntropy(loss, lse, logits, targets, 0.1f);
          side.backend
              .loss()
              .crossEntropyBackward(dlogits, side.floats(5, 1), lse, logits, targets, 0.1f);
          outputs.add("loss", loss, SUMMED);
          outputs.add("lse", lse, SUMMED);
          outputs.add("dlogits", dlogits, ROUNDED);
          Tensor logProbs = side.floats(6, rows);
          side.backend.loss().logProbs(logProbs, lse, logits, targets, 0.7f);
          outputs.add("logProbs", logProbs, SUMMED);
          outputs.add("lse of logProbs", lse, SUMMED);
          Tensor dout = side.floats(7, rows);
          side.backend.loss().logProbsBackward(dlogits, dout, lse, logits, targets, 0.7f);
          outputs.add("dlogits of logProbs", dlogits, ROUNDED);
          side.backend.loss().logProbsBackward(logits, dout, lse, logits, targets, 0.7f);
          outputs.add("dlogits of logProbs in place", logits, ROUNDED);
        });
  }

  /** Indices in and out of order, some again and again, some never. */
  private void rows(int shifts, int n, int c, int m) {
    check(
        "rows N " + n + " C " + c + " M " + m,
        shifts,
        (side, outputs) -> {
          Tensor x = side.activations(1, n, c);
          Tensor out = side.activations(2, m, c);
          int[] indices = new int[m];
          Arrays.setAll(indices, i -> i % 3 == 0 ? n - 1 : i * 31 % n);
          Tensor index = side.integers(indices);
          side.backend.embedding().rows(out, x, index);
          outputs.add("out", out, 0);
          Tensor dout = side.activations(3, m, c);
          Tensor dx = side.activations(4, n, c);
          side.backend.embedding().rowsBackward(dx, dout, index, true);
          outputs.add("dx added to", dx, ROUNDED);
          side.backend.embedding().rowsBackward(dx, dout, index, false);
          outputs.add("dx", dx, ROUNDED);
        });
  }

  /** Pages to several others, and one to itself. */
  private void pages(int shifts, int size, int c) {
    check(
        "copies of pages S " + size + " C " + c,
        shifts,
        (side, outputs) -> {
          Tensor keys = side.activations(1, 5, size, c);
          Tensor values = side.activations(2, 5, size, c);
          Tensor from = side.integers(new int[] {4, 2, 4, 1});
          Tensor to = side.integers(new int[] {0, 2, 3, 2});
          side.backend.attention().copyPages(keys, values, from, to);
          outputs.add("keys", keys, 0);
          outputs.add("values", values, 0);
        });
  }

  /** A head whose logits lie as the region likes, and its matrices in regions' room or not. */
  private void head(int vocabulary, boolean biased, boolean roomy) {
    int rows = 9;
    int c = 40;
    check(
        "head V " + vocabulary + (biased ? " with bias" : "") + (roomy ? " with room" : ""),
        0,
        (side, outputs) -> {
          Tensor x = side.activations(1, rows, c);
          Tensor w = side.weights(2, vocabulary, c);
          Tensor b = biased ? side.weights(3, vocabulary) : Tensor.NONE;
          int last = vocabulary - 1; // padding begins behind it
          int[] wanted = {0, last, -1, last, 7, last - 1, -1, last - 2, 3};
          Tensor targets = side.integers(wanted);
          Tensor logits = side.region.allocatePadded(side.activations, Shape.of(rows, vocabulary));
          Tensor loss = side.floats(4, 1);
          Tensor lse = side.floats(5, rows);
          Tensor dloss = side.floats(6, 1);
          Tensor dx = side.activations(7, rows, c);
          Tensor dw = side.floats(8, vocabulary, c);
          Tensor db = biased ? side.floats(9, vocabulary) : Tensor.NONE;
          if (roomy) {
            w = side.inRoom(w);
            dw = side.inRoom(dw);
          }
          Tensor beyond = side.put(DType.F32, 12, new float[] {12, 13}, 2);
          side.backend.linear().forward(logits, x, w, b);
          side.backend.loss().crossEntropy(loss, lse, logits, targets, 0.1f);
          outputs.add("loss", loss, ROUNDED);
          outputs.add("lse", lse, ROUNDED);
          side.backend.loss().crossEntropyBackward(logits, dloss, lse, logits, targets, 0.1f);
          side.backend.linear().backwardInput(dx, logits, w, true);
          outputs.add("dx added to", dx, ROUNDED);
          side.backend.linear().backwardInput(dx, logits, w, false);
          outputs.add("dx", dx, 2 * ROUNDED);
          side.backend.linear().backwardWeight(dw, db, logits, x, true);
          outputs.add("dw added to", dw, ROUNDED);
          if (biased) {
            outputs.add("db added to", db, ROUNDED);
          }
          side.backend.linear().backwardWeight(dw, Tensor.NONE, logits, x, false);
          outputs.add("dw", dw, 2 * ROUNDED);
          outputs.add("what lies behind", beyond, 0);
        });
  }

  /** At every bfloat16 up to 1e9: within 0.51 of a step of the result, where nothing cancels. */
  private void activation(Activation activation) {
    float[] xs = new float[1 << 16];
    for (int i = 0; i < xs.length; i++) {
      float x = Float.intBitsToFloat(i << 16);
      xs[i] = Math.abs(x) < 1e9f ? x : 0;
    }
    float[] ones = new float[xs.length];
    Arrays.fill(ones, 1);
    List<float[]> expected = activation(reference, DType.F32, activation, xs, ones);
    List<float[]> got = activation(cuda, DType.BF16, activation, xs, ones);
    double[] worst = new double[2];
    for (int k = 0; k < 2; k++) {
      for (int i = 0; i < xs.length; i++) {
        double exact = expected.get(k)[i];
        double below = xs[i] == 0 ? 0.5 : expected.get(0)[i] / xs[i];
        double lost = 1e-14 + (k == 0 ? 0 : 3e-5 * below); // to the reference; where terms cancel
        double off = Math.abs(got.get(k)[i] - exact) - lost;
        double step = Math.scalb(1.0, Math.max(-126, Math.getExponent(exact)) - 7);
        worst[k] = Double.isNaN(off) ? off : Math.max(worst[k], off / step);
      }
    }
    boolean right = worst[0] < 0.51 && worst[1] < 0.51;
    report(activation.toString(), right ? "" : " off by steps " + Arrays.toString(worst));
  }

  /** The function and its slope. */
  private static List<float[]> activation(
      Backend backend, DType dtype, Activation activation, float[] xs, float[] ones) {
    try (Region region = backend.region()) {
      Side side = new Side(backend, region, dtype, 0);
      Tensor x = side.put(dtype, 0, xs, xs.length);
      Tensor out = side.put(dtype, 0, ones, xs.length);
      Tensor slopes = side.put(dtype, 0, ones, xs.length);
      backend.activation().forward(out, x, activation);
      backend.activation().backward(slopes, slopes, x, activation);
      return List.of(out.toFloats(), slopes.toFloats());
    }
  }
}

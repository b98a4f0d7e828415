package jambic.tensor.contract;

import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Dropout;
import org.junit.jupiter.api.Test;

/** Attention: odd lengths, heads and head sizes, every mask, column views. */
public interface AttentionContract {
  /** Head sizes: below, at and beyond a vector, and not a multiple of one. */
  int[] HEAD_SIZES = {8, 16, 24, 64, 80};

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** Batch, queries, keys, heads and head size of a case. */
  record Size(int b, int t, int s, int heads, int d) {
    int c() {
      return heads * d;
    }

    @Override
    public String toString() {
      return "B " + b + " T " + t + " S " + s + " H " + heads + " D " + d;
    }
  }

  /** How q, k and v lie in memory. */
  enum Layout {
    /** Three tensors. */
    APART,
    /** Columns of one (B, T, 3C). */
    PACKED,
    /** Columns of one (B, T, 3C + 5), from the second on. */
    PADDED
  }

  /** Every length with every head size. */
  @Test
  default void causalAttention() {
    for (int t : new int[] {1, 3, 17, 63}) {
      for (int d : HEAD_SIZES) {
        check(new Size(2, t, t, 3, d), Layout.PACKED, true, false, 0, 1);
      }
    }
  }

  /** Longer than the tiles of a tiled algorithm. */
  @Test
  default void longCausalAttention() {
    check(new Size(1, 129, 129, 1, 64), Layout.PACKED, true, false, 0, 1);
    check(new Size(1, 257, 257, 2, 24), Layout.PACKED, true, false, 0, 1);
  }

  /** Queries, keys and values wherever they lie. */
  @Test
  default void attentionOfViews() {
    for (Layout layout : Layout.values()) {
      check(new Size(2, 19, 19, 3, 16), layout, true, false, 0, 1);
      check(new Size(2, 19, 19, 1, 80), layout, true, true, 0.2f, 1);
    }
  }

  /** Other keys than queries, no mask. */
  @Test
  default void crossAttention() {
    for (int d : HEAD_SIZES) {
      check(new Size(2, 5, 9, 2, d), Layout.APART, false, false, 0, 1);
      check(new Size(1, 70, 3, 3, d), Layout.APART, false, false, 0, 1);
      check(new Size(1, 1, 130, 1, d), Layout.APART, false, false, 0, 1);
    }
  }

  /** Padded keys have no weight and no gradient. */
  @Test
  default void attentionOfLengths() {
    for (boolean causal : new boolean[] {false, true}) {
      check(new Size(5, 17, 17, 2, 24), Layout.PACKED, causal, true, 0, 1);
      check(new Size(3, 63, 63, 1, 64), Layout.APART, causal, true, 0, 1);
    }
    check(new Size(4, 7, 70, 3, 16), Layout.APART, false, true, 0, 1);
  }

  /** The same elements are dropped forward and backward, on every backend. */
  @Test
  default void attentionWithDropout() {
    for (int t : new int[] {1, 17, 63, 64, 65, 130}) {
      check(new Size(2, t, t, 2, 16), Layout.PACKED, true, false, 0.2f, 1);
    }
    check(new Size(2, 9, 67, 3, 24), Layout.APART, false, true, 0.5f, 1);
  }

  /** Scores of some hundreds: weights of 0 and 1, and nothing that overflows. */
  @Test
  default void attentionOfExtremeScores() {
    check(new Size(2, 33, 33, 2, 16), Layout.PACKED, true, false, 0, 10);
    check(new Size(2, 9, 40, 1, 64), Layout.APART, false, true, 0, 10);
  }

  /** Scores are scaled as a model asks for, not by the size of its heads. */
  @Test
  default void attentionOfAnyScale() {
    for (float factor : new float[] {1 / 12f, 0.5f, 1}) {
      check(new Size(2, 33, 33, 2, 16), Layout.PACKED, true, false, 0, 1, factor);
      check(new Size(1, 129, 129, 1, 64), Layout.PACKED, true, false, 0.2f, 1, factor);
      check(new Size(2, 9, 40, 1, 24), Layout.APART, false, true, 0, 1, factor);
    }
  }

  private void check(
      Size size, Layout layout, boolean causal, boolean padded, float p, double scale) {
    float usual = (float) (1 / Math.sqrt(size.d));
    check(size, layout, causal, padded, p, scale, usual);
  }

  private void check(
      Size size,
      Layout layout,
      boolean causal,
      boolean padded,
      float p,
      double scale,
      float factor) {
    String title =
        "attention "
            + size
            + (causal ? " causal" : "")
            + (padded ? " lengths" : "")
            + (p > 0 ? " dropout " + p : "")
            + (scale > 1 ? " scaled " + scale : "")
            + " times "
            + factor
            + " "
            + layout;
    // Four deviations of the normal distribution.
    double scores = scale * scale * 4 * factor * Math.sqrt(size.d);
    Tolerance tolerance = Tolerances.f32(Kernel.ATTENTION).summing(size.s);
    if (scale > 1) {
      // An error of a score is a relative one of its weight, and gradients are sums of scaled ones.
      tolerance =
          new Tolerance(tolerance.absolute() * scores, tolerance.relative()).ofExponential(scores);
    }
    contract()
        .check(
            title,
            tolerance,
            scene -> {
              Tensor out = scene.output("out", size.b, size.t, size.c());
              Tensor lse = scene.output("lse", size.b, size.heads, size.t);
              Tensor[] qkv = inputs(scene, size, layout, scale);
              Tensor[] gradients = gradients(scene, size, layout);
              Tensor dout = scene.input("dout", size.b, size.t, size.c());
              Tensor lengths = padded ? lengths(scene, size) : Tensor.NONE;
              Dropout dropout =
                  p == 0
                      ? Dropout.NONE
                      : new Dropout(p, 0xABCDEF0123L, 7, scene.integers("step", new int[] {9}, 1));
              return () -> {
                scene
                    .backend()
                    .attention()
                    .forward(
                        out,
                        lse,
                        qkv[0],
                        qkv[1],
                        qkv[2],
                        lengths,
                        size.heads,
                        causal,
                        factor,
                        dropout);
                scene
                    .backend()
                    .attention()
                    .backward(
                        gradients[0],
                        gradients[1],
                        gradients[2],
                        dout,
                        out,
                        lse,
                        qkv[0],
                        qkv[1],
                        qkv[2],
                        lengths,
                        size.heads,
                        causal,
                        factor,
                        dropout);
              };
            });
  }

  private static Tensor[] inputs(Scene scene, Size size, Layout layout, double scale) {
    if (layout == Layout.APART) {
      return new Tensor[] {
        scaled(scene, "q", scale, size.b, size.t, size.c()),
        scaled(scene, "k", scale, size.b, size.s, size.c()),
        scene.input("v", size.b, size.s, size.c())
      };
    }
    int padding = layout == Layout.PADDED ? 5 : 0;
    return columns(
        scaled(scene, "qkv", scale, size.b, size.t, 3 * size.c() + padding), size, padding);
  }

  private static Tensor scaled(Scene scene, String name, double scale, int... dims) {
    int[] values = scene.draw(name, 4001, Math.toIntExact(Shape.of(dims).size()));
    // Uniform in [-sqrt 3, sqrt 3]: variance 1.
    return scene.input(name, i -> scale * Math.sqrt(3) * (values[i] - 2000) / 2000, dims);
  }

  private static Tensor[] gradients(Scene scene, Size size, Layout layout) {
    if (layout == Layout.APART) {
      return new Tensor[] {
        scene.output("dq", size.b, size.t, size.c()),
        scene.output("dk", size.b, size.s, size.c()),
        scene.output("dv", size.b, size.s, size.c())
      };
    }
    int padding = layout == Layout.PADDED ? 5 : 0;
    Tensor all = scene.input("dqkv", i -> Float.NaN, size.b, size.t, 3 * size.c() + padding);
    Tensor[] gradients = columns(all, size, padding);
    scene.written("dq", gradients[0]);
    scene.written("dk", gradients[1]);
    scene.written("dv", gradients[2]);
    return gradients;
  }

  private static Tensor[] columns(Tensor all, Size size, int padding) {
    int from = padding > 0 ? 2 : 0;
    return new Tensor[] {
      all.columns(from, size.c()),
      all.columns(from + size.c(), size.c()),
      all.columns(from + 2 * size.c(), size.c())
    };
  }

  /** The first row has one key, the second all, the others any number. */
  private static Tensor lengths(Scene scene, Size size) {
    int[] lengths = scene.draw("lengths", size.s, size.b);
    for (int b = 0; b < size.b; b++) {
      lengths[b] = b == 0 ? 1 : b == 1 ? size.s : lengths[b] + 1;
    }
    return scene.integers("lengths", lengths, size.b);
  }
}

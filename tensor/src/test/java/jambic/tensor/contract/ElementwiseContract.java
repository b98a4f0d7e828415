package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Dropout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Sums, products, copies and dropout: the masks are compared to the bit. */
public interface ElementwiseContract {
  /** Ugly counts, around groups of 64 and beyond a thread's share. */
  int[] COUNTS = {1, 3, 17, 63, 64, 65, 257, 1000, 20_011};

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** Every element of every tensor. */
  @Test
  default void fill() {
    for (int n : COUNTS) {
      contract()
          .check(
              "elementwise.fill " + n,
              Tolerance.EXACT,
              scene -> {
                Tensor a = scene.output("a", n);
                Tensor b = scene.output("b", 3, n);
                return () -> scene.backend().elementwise().fill(List.of(a, b), 0.1f);
              });
    }
  }

  /** {@code out = a + b}, also in place of either. */
  @Test
  default void add() {
    for (int n : COUNTS) {
      contract()
          .check(
              "elementwise.add " + n,
              Tolerance.EXACT,
              scene -> {
                Tensor a = scene.input("a", n);
                Tensor b = scene.input("b", n);
                Tensor out = scene.outputOrOneOf("out", a, b);
                return () -> scene.backend().elementwise().add(out, a, b);
              });
    }
  }

  /** {@code out = factor x}, also in place. */
  @Test
  default void scale() {
    for (float factor : new float[] {0, -1, 0.3f, 22.627417f}) {
      for (int n : COUNTS) {
        contract()
            .check(
                "elementwise.scale " + n + " by " + factor,
                Tolerance.EXACT,
                scene -> {
                  Tensor x = scene.input("x", n);
                  Tensor out = scene.outputOrOneOf("out", x);
                  return () -> scene.backend().elementwise().scale(out, x, factor);
                });
      }
    }
  }

  /** {@code out = a b}, also in place of either, and a square. */
  @Test
  default void multiply() {
    for (int n : COUNTS) {
      contract()
          .check(
              "elementwise.multiply " + n,
              Tolerance.EXACT,
              scene -> {
                Tensor a = scene.input("a", n);
                Tensor b = scene.input("b", n);
                Tensor out = scene.outputOrOneOf("out", a, b);
                return () -> scene.backend().elementwise().multiply(out, a, b);
              });
      contract()
          .check(
              "elementwise.multiply " + n + " by itself",
              Tolerance.EXACT,
              scene -> {
                Tensor a = scene.input("a", n);
                Tensor out = scene.outputOrOneOf("out", a);
                return () -> scene.backend().elementwise().multiply(out, a, a);
              });
    }
  }

  /** {@code out = dropout(x)}, to the bit, also in place; a copy where nothing is dropped. */
  @Test
  default void dropout() {
    for (float p : new float[] {0, 0.1f, 0.2f, 0.5f, 0.9f}) {
      for (int n : COUNTS) {
        contract()
            .check(
                "elementwise.dropout " + n + " p " + p,
                Tolerance.EXACT,
                scene -> {
                  Tensor x = scene.input("x", n);
                  Dropout dropout = dropout(scene, p, 3);
                  Tensor out = scene.outputOrOneOf("out", x);
                  return () -> scene.backend().elementwise().dropout(out, x, dropout);
                });
      }
    }
  }

  /** The mask changes with the seed, the site and the step, whatever their bits. */
  @Test
  default void dropoutOfAnySeedSiteAndStep() {
    long[] seeds = {0, 1, -1, 0x123456789ABCDEFL, Long.MIN_VALUE};
    int[] steps = {0, 1, -1, Integer.MAX_VALUE, 123_456};
    for (int i = 0; i < seeds.length; i++) {
      long seed = seeds[i];
      int step = steps[i];
      int site = i * 0x10001;
      contract()
          .check(
              "elementwise.dropout 300 seed " + seed + " site " + site + " step " + step,
              Tolerance.EXACT,
              scene -> {
                Tensor x = scene.input("x", 300);
                Tensor out = scene.output("out", 300);
                Tensor device = scene.integers("step", new int[] {step}, 1);
                Dropout dropout = new Dropout(0.3f, seed, site, device);
                return () -> scene.backend().elementwise().dropout(out, x, dropout);
              });
    }
  }

  /** {@code out = x + dropout(y)}, also in place of either. */
  @Test
  default void residual() {
    for (float p : new float[] {0, 0.2f}) {
      for (int n : COUNTS) {
        contract()
            .check(
                "elementwise.residual " + n + " p " + p,
                Tolerances.f32(Kernel.SUM),
                scene -> {
                  Tensor x = scene.input("x", n);
                  Tensor y = scene.input("y", n);
                  Dropout dropout = dropout(scene, p, 4);
                  Tensor out = scene.outputOrOneOf("out", x, y);
                  return () -> scene.backend().elementwise().residual(out, x, y, dropout);
                });
      }
    }
  }

  /** A dropout of the scene's 12th step, or none. */
  private static Dropout dropout(Scene scene, float p, int site) {
    return p == 0
        ? Dropout.NONE
        : new Dropout(p, 0x5EED5EED5EEDL, site, scene.integers("step", new int[] {12}, 1));
  }
}

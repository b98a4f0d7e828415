package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import org.junit.jupiter.api.Test;

/** Layer normalization: ugly widths, one row and many, a mean far from 0. */
public interface NormContract {
  /** The usual epsilon. */
  float EPS = 1e-5f;

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** A matrix of rows. */
  @FunctionalInterface
  interface Size {
    /**
     * Checks kernels at one size.
     *
     * @param rows of x
     * @param c columns of x
     */
    void check(int rows, int c);
  }

  /** Ugly sizes, rows wider than what a warp reads at once, and more of them than a launch has. */
  private static void sizes(Size size) {
    for (int rows : new int[] {1, 3, 17, 257}) {
      for (int c : new int[] {2, 3, 17, 63, 128, 257}) {
        size.check(rows, c);
      }
    }
    size.check(9, 200);
    size.check(5, 1100);
    size.check(2, 2100);
    size.check(2100, 12);
  }

  /** Normalized rows and their statistics, with and without b. */
  @Test
  default void normForward() {
    Size check =
        (rows, c) ->
            contract()
                .check(
                    "norm.forward R " + rows + " C " + c,
                    Tolerances.f32(Kernel.NORM),
                    scene -> {
                      Tensor out = scene.output("out", rows, c);
                      Tensor mean = scene.output("mean", rows);
                      Tensor rstd = scene.output("rstd", rows);
                      Tensor x = scene.input("x", rows, c);
                      Tensor g = scene.input("g", c);
                      Tensor b = (rows + c) % 4 == 0 ? Tensor.NONE : scene.input("b", c);
                      return () -> scene.backend().norm().forward(out, mean, rstd, x, g, b, EPS);
                    });
    sizes(check);
    check.check(17, 1);
  }

  /**
   * A variance taken as the mean of squares less the square of the mean would lose all its digits.
   */
  @Test
  default void normFarFromZero() {
    contract()
        .check(
            "norm.forward R 5 C 96, x about 1000",
            Tolerances.f32(Kernel.NORM).times(1000),
            scene -> {
              Tensor out = scene.output("out", 5, 96);
              Tensor mean = scene.output("mean", 5);
              Tensor rstd = scene.output("rstd", 5);
              Tensor x = scene.input("x", i -> 1000 + i * 7 % 11 * 0.125, 5, 96);
              Tensor g = scene.input("g", 96);
              Tensor b = scene.input("b", 96);
              return () -> scene.backend().norm().forward(out, mean, rstd, x, g, b, EPS);
            });
  }

  /** All gradients: dx overwritten, in place of dout, and added to; with and without dg and db. */
  @Test
  default void normBackward() {
    for (boolean accumulate : new boolean[] {false, true}) {
      String how = accumulate ? " accumulating" : "";
      sizes((rows, c) ->
          contract()
              .check(
                  "norm.backward R " + rows + " C " + c + how,
                  Tolerances.f32(Kernel.NORM).summing(rows),
                  scene -> {
                    Tensor dout = scene.input("dout", rows, c);
                    Tensor dx =
                        accumulate
                            ? scene.accumulated("dx", rows, c)
                            : scene.outputOrOneOf("dx", dout);
                    boolean frozen = rows == 3;
                    Tensor dg = frozen ? Tensor.NONE : scene.accumulated("dg", c);
                    Tensor db = frozen || c % 8 == 0 ? Tensor.NONE : scene.accumulated("db", c);
                    Tensor x = scene.input("x", rows, c);
                    Tensor g = scene.input("g", c);
                    float[] xs = x.toFloats();
                    Tensor mean = scene.input("mean", r -> mean(xs, r, c), rows);
                    Tensor rstd = scene.input("rstd", r -> rstd(xs, r, c), rows);
                    return () ->
                        scene
                            .backend()
                            .norm()
                            .backward(dx, dg, db, dout, x, g, mean, rstd, accumulate);
                  }));
    }
  }

  private static double mean(float[] x, int row, int c) {
    double sum = 0;
    for (int j = 0; j < c; j++) {
      sum += x[row * c + j];
    }
    return sum / c;
  }

  private static double rstd(float[] x, int row, int c) {
    double mean = mean(x, row, c);
    double squares = 0;
    for (int j = 0; j < c; j++) {
      squares += (x[row * c + j] - mean) * (x[row * c + j] - mean);
    }
    return 1 / Math.sqrt(squares / c + EPS);
  }
}

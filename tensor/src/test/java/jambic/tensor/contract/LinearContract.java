package jambic.tensor.contract;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.LinearKernels;
import org.junit.jupiter.api.Test;

/**
 * Matrix products: every combination of ugly sizes, and sizes beyond the blocks of a blocked one.
 */
public interface LinearContract {
  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** A product of (M, K) and (N, K). */
  @FunctionalInterface
  interface Product {
    /**
     * Checks kernels at one size.
     *
     * @param m rows of x
     * @param k columns of x
     * @param n rows of w
     */
    void check(int m, int k, int n);
  }

  /**
   * Every pair of ugly sizes in every two of the extents (a Latin square), then sizes of blocks.
   */
  private static void sizes(Product product) {
    int[] ugly = {1, 3, 17, 63, 257};
    for (int i = 0; i < ugly.length; i++) {
      for (int j = 0; j < ugly.length; j++) {
        product.check(ugly[i], ugly[j], ugly[(i + j) % ugly.length]);
      }
    }
    product.check(131, 400, 70);
    product.check(5, 800, 1030);
    product.check(290, 33, 520);
    product.check(2, 64, 2100);
    product.check(2100, 9, 2);
    product.check(4200, 2, 7);
    product.check(64, 128, 384);
  }

  private static String title(String kernel, int m, int k, int n) {
    return "linear." + kernel + " (" + m + ", " + k + ") x (" + n + ", " + k + ")";
  }

  /** {@code out = x wᵀ + b}, with and without b. */
  @Test
  default void linearForward() {
    forward("forward", LinearKernels::forward);
  }

  /** The same for the rows of a decoding step, few or many. */
  @Test
  default void linearDecode() {
    forward("decode", LinearKernels::decode);
    forward("decodeMany", LinearKernels::decodeMany);
  }

  /** What {@link LinearKernels#forward} and {@link LinearKernels#decode} have in common. */
  @FunctionalInterface
  interface Forward {
    /**
     * Launches one of them.
     *
     * @param kernels of the backend
     * @param out (M, N)
     * @param x (M, K)
     * @param w (N, K)
     * @param b (N), or none
     */
    void launch(LinearKernels kernels, Tensor out, Tensor x, Tensor w, Tensor b);
  }

  private void forward(String kernel, Forward forward) {
    Tolerance tolerance = Tolerances.f32(Kernel.LINEAR);
    sizes((m, k, n) -> {
      contract()
          .check(
              title(kernel, m, k, n),
              tolerance.summing(k),
              scene -> {
                Tensor out = scene.output("out", m, n);
                Tensor x = scene.input("x", m, k);
                Tensor w = scene.input("w", n, k);
                Tensor b = (m + n) % 4 == 0 ? Tensor.NONE : scene.input("b", n);
                return () -> forward.launch(scene.backend().linear(), out, x, w, b);
              });
    });
  }

  /** Inputs of rank 3 are rows, too. */
  @Test
  default void linearOfBatches() {
    contract()
        .check(
            "linear.forward (2, 7, 19) x (33, 19)",
            Tolerances.f32(Kernel.LINEAR).summing(19),
            scene -> {
              Tensor out = scene.output("out", 2, 7, 33);
              Tensor dx = scene.output("dx", 2, 7, 19);
              Tensor dw = scene.output("dw", 33, 19);
              Tensor x = scene.input("x", 2, 7, 19);
              Tensor w = scene.input("w", 33, 19);
              Tensor dout = scene.input("dout", 2, 7, 33);
              return () -> {
                scene.backend().linear().forward(out, x, w, Tensor.NONE);
                scene.backend().linear().backwardInput(dx, dout, w, false);
                scene.backend().linear().backwardWeight(dw, Tensor.NONE, dout, x, false);
              };
            });
  }

  /** Both inputs may be one tensor, as in Muon: {@code x xᵀ}, {@code xᵀ x} and {@code a a}. */
  @Test
  default void linearOfAMatrixAndItself() {
    for (int[] size : new int[][] {{1, 1}, {3, 17}, {17, 3}, {33, 70}, {70, 33}, {130, 257}}) {
      int m = size[0];
      int k = size[1];
      contract()
          .check(
              "linear of (" + m + ", " + k + ") and itself",
              Tolerances.f32(Kernel.LINEAR).summing(Math.max(m, k)),
              scene -> {
                Tensor rows = scene.output("x xT", m, m);
                Tensor columns = scene.output("xT x", k, k);
                Tensor square = scene.output("a a", m, m);
                Tensor x = scene.input("x", m, k);
                Tensor a = scene.input("a", m, m);
                return () -> {
                  LinearKernels linear = scene.backend().linear();
                  linear.forward(rows, x, x, Tensor.NONE);
                  linear.backwardWeight(columns, Tensor.NONE, x, x, false);
                  linear.backwardInput(square, a, a, false);
                };
              });
    }
  }

  /** {@code out = activation(pre)}, where pre is kept and where it is not. */
  @Test
  default void linearForwardActivated() {
    Tolerance tolerance = Tolerances.f32(Kernel.LINEAR);
    int[][] sizes = {{1, 3, 17}, {17, 63, 3}, {63, 17, 257}, {70, 400, 130}};
    for (Activation activation : Activation.values()) {
      for (int[] mkn : sizes) {
        int m = mkn[0];
        int k = mkn[1];
        int n = mkn[2];
        String title = title("forwardActivated " + activation, m, k, n);
        contract()
            .check(
                title,
                tolerance.summing(k),
                scene -> {
                  Tensor out = scene.output("out", m, n);
                  Tensor pre = scene.output("pre", m, n);
                  Tensor x = scene.input("x", m, k);
                  Tensor w = scene.input("w", n, k);
                  Tensor b = scene.input("b", n);
                  return () ->
                      scene.backend().linear().forwardActivated(out, pre, x, w, b, activation);
                });
        contract()
            .check(
                title + ", pre not kept",
                tolerance.summing(k),
                scene -> {
                  Tensor out = scene.output("out", m, n);
                  Tensor x = scene.input("x", m, k);
                  Tensor w = scene.input("w", n, k);
                  return () ->
                      scene
                          .backend()
                          .linear()
                          .forwardActivated(out, out, x, w, Tensor.NONE, activation);
                });
      }
    }
  }

  /** {@code dpre = dout * activation'(pre)}, also in place, and its sums of columns. */
  @Test
  default void linearBackwardActivated() {
    int[][] sizes = {{1, 17}, {3, 1}, {63, 257}, {130, 64}, {700, 24}};
    for (Activation activation : Activation.values()) {
      for (int[] mn : sizes) {
        for (boolean accumulate : new boolean[] {false, true}) {
          int m = mn[0];
          int n = mn[1];
          contract()
              .check(
                  "linear.backwardActivated %s %d x %d%s"
                      .formatted(activation, m, n, accumulate ? ", added" : ""),
                  Tolerances.f32(Kernel.LINEAR).summing(m),
                  scene -> {
                    Tensor pre = scene.input("pre", m, n);
                    Tensor dout = scene.input("dout", m, n);
                    Tensor dpre = scene.outputOrOneOf("dpre", dout);
                    Tensor db = accumulate ? scene.accumulated("db", n) : scene.output("db", n);
                    return () ->
                        scene
                            .backend()
                            .linear()
                            .backwardActivated(dpre, db, dout, pre, activation, accumulate);
                  });
        }
      }
    }
  }

  /** {@code dx = dout w}, overwritten and added to. */
  @Test
  default void linearBackwardInput() {
    Tolerance tolerance = Tolerances.f32(Kernel.LINEAR);
    for (boolean accumulate : new boolean[] {false, true}) {
      sizes((m, k, n) ->
          contract()
              .check(
                  title("backwardInput" + (accumulate ? " accumulating" : ""), m, k, n),
                  tolerance.summing(n),
                  scene -> {
                    Tensor dx =
                        accumulate ? scene.accumulated("dx", m, k) : scene.output("dx", m, k);
                    Tensor dout = scene.input("dout", m, n);
                    Tensor w = scene.input("w", n, k);
                    return () -> scene.backend().linear().backwardInput(dx, dout, w, accumulate);
                  }));
    }
  }

  /** {@code dw = doutᵀ x} and {@code db = sums of dout}, overwritten and added to, or one only. */
  @Test
  default void linearBackwardWeight() {
    for (boolean accumulate : new boolean[] {false, true}) {
      sizes((m, k, n) -> backwardWeight(accumulate, m, k, n));
    }
  }

  private void backwardWeight(boolean accumulate, int m, int k, int n) {
    contract()
        .check(
            title("backwardWeight" + (accumulate ? " accumulating" : ""), m, k, n),
            Tolerances.f32(Kernel.LINEAR).summing(m),
            scene -> {
              Tensor dw =
                  (k + n) % 4 == 1
                      ? Tensor.NONE
                      : accumulate ? scene.accumulated("dw", n, k) : scene.output("dw", n, k);
              Tensor db =
                  (k + n) % 4 == 0
                      ? Tensor.NONE
                      : accumulate ? scene.accumulated("db", n) : scene.output("db", n);
              Tensor dout = scene.input("dout", m, n);
              Tensor x = scene.input("x", m, k);
              return () -> scene.backend().linear().backwardWeight(dw, db, dout, x, accumulate);
            });
  }
}

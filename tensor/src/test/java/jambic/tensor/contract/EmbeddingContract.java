package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import org.junit.jupiter.api.Test;

/**
 * Rows by their index: embeddings with and without positions, rows that start anywhere, indices
 * that repeat.
 */
public interface EmbeddingContract {
  /** Batch, tokens, vocabulary, width: more tokens than vocabulary, so that some repeat. */
  int[][] SIZES = {{1, 1, 1, 1}, {2, 3, 5, 17}, {3, 17, 7, 63}, {1, 63, 257, 257}, {4, 33, 3, 24}};

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** {@code out[b, t] = scale * wte[ids[b, t]] + wpe[starts[b] + t]}. */
  @Test
  default void embeddingForward() {
    for (int[] size : SIZES) {
      for (String with :
          new String[] {
            "tokens", "scaled tokens", "tokens, positions", "scaled tokens, positions, starts"
          }) {
        int b = size[0];
        int t = size[1];
        int v = size[2];
        int c = size[3];
        contract()
            .check(
                "embedding.forward B " + b + " T " + t + " V " + v + " C " + c + " with " + with,
                Tolerance.EXACT,
                scene -> {
                  Tensor out = scene.output("out", b, t, c);
                  Tensor ids = scene.integers("ids", scene.draw("ids", v, b * t), b, t);
                  Tensor wte = scene.input("wte", v, c);
                  Tensor wpe =
                      with.contains("positions") ? scene.input("wpe", t + 4, c) : Tensor.NONE;
                  Tensor starts =
                      with.contains("starts")
                          ? scene.integers("starts", scene.draw("starts", 5, b), b)
                          : Tensor.NONE;
                  float scale = with.contains("scaled") ? 2.4f : 1;
                  return () ->
                      scene.backend().embedding().forward(out, ids, wte, wpe, starts, scale);
                });
      }
    }
  }

  /** Both gradients, and each alone. */
  @Test
  default void embeddingBackward() {
    for (int[] size : SIZES) {
      for (String of : new String[] {"dwte", "scaled dwte", "dwpe", "scaled dwte, dwpe"}) {
        int b = size[0];
        int t = size[1];
        int v = size[2];
        int c = size[3];
        contract()
            .check(
                "embedding.backward B " + b + " T " + t + " V " + v + " C " + c + " of " + of,
                Tolerances.f32(Kernel.SUM).summing((long) b * t),
                scene -> {
                  Tensor dwte = of.contains("dwte") ? scene.accumulated("dwte", v, c) : Tensor.NONE;
                  Tensor dwpe =
                      of.contains("dwpe") ? scene.accumulated("dwpe", t + 4, c) : Tensor.NONE;
                  Tensor dout = scene.input("dout", b, t, c);
                  Tensor ids = scene.integers("ids", scene.draw("ids", v, b * t), b, t);
                  float scale = of.contains("scaled") ? 2.4f : 1;
                  return () -> scene.backend().embedding().backward(dwte, dwpe, dout, ids, scale);
                });
      }
    }
  }

  /** Rows, their count, width, and how many are looked up: some often, some never. */
  int[][] ROWS = {{1, 1, 1}, {5, 17, 3}, {7, 63, 40}, {257, 130, 9}, {3, 257, 300}, {300, 8, 300}};

  /** {@code out[m] = x[index[m]]}. */
  @Test
  default void rowsByIndex() {
    for (int[] size : ROWS) {
      contract()
          .check(
              "embedding.rows N " + size[0] + " C " + size[1] + " M " + size[2],
              Tolerance.EXACT,
              scene -> {
                Tensor out = scene.output("out", size[2], size[1]);
                Tensor x = scene.input("x", size[0], size[1]);
                Tensor index = index(scene, size);
                return () -> scene.backend().embedding().rows(out, x, index);
              });
    }
  }

  /** Overwritten, with zeros in rows without an index, and added to. */
  @Test
  default void rowsBackward() {
    for (int[] size : ROWS) {
      for (boolean accumulate : new boolean[] {false, true}) {
        contract()
            .check(
                "embedding.rowsBackward N "
                    + size[0]
                    + " C "
                    + size[1]
                    + " M "
                    + size[2]
                    + (accumulate ? " added" : ""),
                Tolerances.f32(Kernel.SUM).summing(size[2]),
                scene -> {
                  Tensor dx =
                      accumulate
                          ? scene.accumulated("dx", size[0], size[1])
                          : scene.output("dx", size[0], size[1]);
                  Tensor dout = scene.input("dout", size[2], size[1]);
                  Tensor index = index(scene, size);
                  return () ->
                      scene.backend().embedding().rowsBackward(dx, dout, index, accumulate);
                });
      }
    }
  }

  private static Tensor index(Scene scene, int[] size) {
    return scene.integers("index", scene.draw("index", size[0], size[2]), size[2]);
  }
}

package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import org.junit.jupiter.api.Test;

/** Embeddings: with and without positions, rows that start anywhere, tokens that repeat. */
public interface EmbeddingContract {
  /** Batch, tokens, vocabulary, width: more tokens than vocabulary, so that some repeat. */
  int[][] SIZES = {{1, 1, 1, 1}, {2, 3, 5, 17}, {3, 17, 7, 63}, {1, 63, 257, 257}, {4, 33, 3, 24}};

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** {@code out[b, t] = wte[ids[b, t]] + wpe[starts[b] + t]}. */
  @Test
  default void embeddingForward() {
    for (int[] size : SIZES) {
      for (String with :
          new String[] {"tokens", "tokens, positions", "tokens, positions, starts"}) {
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
                  return () -> scene.backend().embedding().forward(out, ids, wte, wpe, starts);
                });
      }
    }
  }

  /** Both gradients, and each alone. */
  @Test
  default void embeddingBackward() {
    for (int[] size : SIZES) {
      for (String of : new String[] {"dwte", "dwpe", "dwte, dwpe"}) {
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
                  return () -> scene.backend().embedding().backward(dwte, dwpe, dout, ids);
                });
      }
    }
  }
}

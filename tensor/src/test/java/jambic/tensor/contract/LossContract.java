package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Backend;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * Cross-entropy and log-probabilities: ugly vocabularies, rows that do not count, smoothing,
 * extreme logits.
 */
public interface LossContract {
  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** Loss, statistics and gradient (also in place of the logits), every third row not counted. */
  @Test
  default void crossEntropy() {
    for (float smoothing : new float[] {0, 0.1f}) {
      for (int n : new int[] {1, 3, 17, 63, 257}) {
        for (int v : new int[] {1, 2, 3, 17, 65, 257, 1003}) {
          check("", n, v, smoothing, 3, i -> (i * 7919L % 1009 - 504) / 100.0);
        }
      }
    }
  }

  /** No row counts: no loss, no gradient. */
  @Test
  default void crossEntropyOfNothing() {
    check("nothing counts", 5, 19, 0, 1, i -> i);
  }

  /** Logits of ±1e4: the softmax is 0 or 1, or shared by equals, and never NaN. */
  @Test
  default void crossEntropyOfExtremeLogits() {
    check("one winner", 4, 37, 0, 0, i -> i % 37 == i / 37 * 5 ? 1e4 : -1e4);
    check("one loser", 4, 37, 0, 0, i -> i % 37 == i / 37 * 5 ? -1e4 : 1e4);
    check("all equal", 4, 64, 0.1f, 0, i -> i / 64 % 2 == 0 ? 1e4 : -1e4);
    check("spread", 4, 100, 0.1f, 0, i -> (i % 100 - 50) * 200.0);
  }

  /** Log-probabilities, statistics and gradient (also in place), every third row not counted. */
  @Test
  default void logProbs() {
    for (float temperature : new float[] {1, 0.7f, 2.5f}) {
      for (int n : new int[] {1, 3, 17, 63}) {
        for (int v : new int[] {1, 2, 3, 17, 65, 257, 1003}) {
          checkLogProbs("", n, v, temperature, 3, i -> (i * 7919L % 1009 - 504) / 100.0);
        }
      }
    }
  }

  /** No row counts: zeros, whatever the gradient is. */
  @Test
  default void logProbsOfNothing() {
    checkLogProbs("nothing counts", 5, 19, 0.7f, 1, i -> i);
  }

  /** Logits of ±1e4: a log-probability of 0 or of some thousands, and never NaN. */
  @Test
  default void logProbsOfExtremeLogits() {
    for (float temperature : new float[] {1, 0.5f}) {
      checkLogProbs("one winner", 4, 37, temperature, 0, i -> i % 37 == i / 37 * 5 ? 1e4 : -1e4);
      checkLogProbs("one loser", 4, 37, temperature, 0, i -> i % 37 == i / 37 * 5 ? -1e4 : 1e4);
      checkLogProbs("all equal", 4, 64, temperature, 0, i -> i / 64 % 2 == 0 ? 1e4 : -1e4);
    }
  }

  private void checkLogProbs(
      String of, int n, int v, float temperature, int ignored, IntToDoubleFunction logits) {
    double largest = 0;
    for (int i = 0; i < n * v; i++) {
      largest = Math.max(largest, Math.abs(logits.applyAsDouble(i) / temperature));
    }
    String title = "loss.logProbs N " + n + " V " + v + " temperature " + temperature + " " + of;
    // As in check: the small difference of large numbers, whose error is theirs.
    Tolerance stated = Tolerances.f32(Kernel.LOSS);
    Tolerance tolerance =
        new Tolerance(stated.absolute() * Math.max(1, largest / 10), stated.relative());
    contract()
        .check(
            title,
            tolerance,
            scene -> {
              Tensor out = scene.output("out", n);
              Tensor lse = scene.output("lse", n);
              Tensor x = scene.input("logits", logits, n, v);
              Tensor targets = scene.integers("targets", targets(scene, n, v, ignored), n);
              return () -> scene.backend().loss().logProbs(out, lse, x, targets, temperature);
            });
    contract()
        .check(
            title + ", backward",
            // An error of a number is a relative one of its exponential.
            stated.ofExponential(largest),
            scene -> {
              Tensor x = scene.input("logits", logits, n, v);
              Tensor dlogits = scene.outputOrOneOf("dlogits", x);
              int[] wanted = targets(scene, n, v, ignored);
              Tensor dout =
                  scene.input("dout", i -> wanted[i] == -1 ? Double.NaN : 0.25 - i % 3, n);
              Tensor lse =
                  scene.input("lse", i -> lse(j -> logits.applyAsDouble(j) / temperature, i, v), n);
              Tensor targets = scene.integers("targets", wanted, n);
              return () ->
                  scene
                      .backend()
                      .loss()
                      .logProbsBackward(dlogits, dout, lse, x, targets, temperature);
            });
  }

  /** The head of a language model, whose logits may lie as the backend likes: all its gradients. */
  @Test
  default void lossOfALinearLayer() {
    for (int v : new int[] {65, 1003, 1024, 1033, 2050}) {
      for (boolean biased : new boolean[] {true, false}) {
        checkHead(7, 24, v, biased);
      }
    }
  }

  /** The same head, for its log-probabilities. */
  @Test
  default void logProbsOfALinearLayer() {
    for (int v : new int[] {65, 1003, 1024, 1033}) {
      contract()
          .check(
              "log-probabilities of a head V " + v,
              Tolerances.f32(Kernel.LINEAR).summing(24),
              scene -> {
                Backend backend = scene.backend();
                Tensor x = scene.input("x", 7, 24);
                Tensor w = scene.input("w", v, 24);
                Tensor targets = scene.integers("targets", targets(scene, 7, v, 3), 7);
                Tensor dout = scene.input("dout", 7);
                Tensor logits = scene.rows(7, v);
                Tensor lse = scene.output("lse", 7);
                Tensor out = scene.output("out", 7);
                Tensor dx = scene.output("dx", 7, 24);
                Tensor dw = scene.output("dw", v, 24);
                return () -> {
                  backend.linear().forward(logits, x, w, Tensor.NONE);
                  backend.loss().logProbs(out, lse, logits, targets, 0.7f);
                  backend.loss().logProbsBackward(logits, dout, lse, logits, targets, 0.7f);
                  backend.linear().backwardInput(dx, logits, w, false);
                  backend.linear().backwardWeight(dw, Tensor.NONE, logits, x, false);
                };
              });
    }
  }

  private void checkHead(int n, int k, int v, boolean biased) {
    contract()
        .check(
            "head N " + n + " K " + k + " V " + v + (biased ? " with bias" : ""),
            Tolerances.f32(Kernel.LINEAR).summing(k),
            scene -> {
              Backend backend = scene.backend();
              Tensor x = scene.input("x", n, k);
              Tensor w = scene.input("w", v, k);
              Tensor b = biased ? scene.input("b", v) : Tensor.NONE;
              int[] wanted = targets(scene, n, v, 3);
              wanted[0] = v - 1;
              wanted[n - 1] = v - 2;
              Tensor targets = scene.integers("targets", wanted, n);
              Tensor dloss = scene.input("dloss", i -> 1.5, 1);
              Tensor logits = scene.rows(n, v);
              Tensor lse = scene.output("lse", n);
              Tensor loss = scene.output("loss", 1);
              Tensor dx = scene.accumulated("dx", n, k);
              Tensor dw = scene.accumulated("dw", v, k);
              Tensor db = biased ? scene.accumulated("db", v) : Tensor.NONE;
              Tensor dxAnew = scene.output("dx anew", n, k);
              Tensor dwAnew = scene.output("dw anew", v, k);
              return () -> {
                backend.linear().forward(logits, x, w, b);
                backend.loss().crossEntropy(loss, lse, logits, targets, 0.1f);
                backend.loss().crossEntropyBackward(logits, dloss, lse, logits, targets, 0.1f);
                backend.linear().backwardInput(dx, logits, w, true);
                backend.linear().backwardInput(dxAnew, logits, w, false);
                backend.linear().backwardWeight(dw, db, logits, x, true);
                backend.linear().backwardWeight(dwAnew, Tensor.NONE, logits, x, false);
              };
            });
  }

  private void check(
      String of, int n, int v, float smoothing, int ignored, IntToDoubleFunction logits) {
    double largest = 0;
    for (int i = 0; i < n * v; i++) {
      largest = Math.max(largest, Math.abs(logits.applyAsDouble(i)));
    }
    String title = "loss.crossEntropy N " + n + " V " + v + " smoothing " + smoothing + " " + of;
    // A loss may be the small difference of large logits: its error is theirs.
    Tolerance stated = Tolerances.f32(Kernel.LOSS);
    Tolerance tolerance =
        new Tolerance(stated.absolute() * Math.max(1, largest / 10), stated.relative());
    contract()
        .check(
            title,
            tolerance,
            scene -> {
              Tensor loss = scene.output("loss", 1);
              Tensor lse = scene.output("lse", n);
              Tensor x = scene.input("logits", logits, n, v);
              Tensor targets = scene.integers("targets", targets(scene, n, v, ignored), n);
              return () -> scene.backend().loss().crossEntropy(loss, lse, x, targets, smoothing);
            });
    contract()
        .check(
            title + ", backward",
            stated,
            scene -> {
              Tensor x = scene.input("logits", logits, n, v);
              Tensor dlogits = scene.outputOrOneOf("dlogits", x);
              Tensor dloss = scene.input("dloss", i -> 1.5, 1);
              Tensor lse = scene.input("lse", i -> lse(logits, i, v), n);
              Tensor targets = scene.integers("targets", targets(scene, n, v, ignored), n);
              return () ->
                  scene
                      .backend()
                      .loss()
                      .crossEntropyBackward(dlogits, dloss, lse, x, targets, smoothing);
            });
  }

  private static int[] targets(Scene scene, int n, int v, int ignored) {
    int[] targets = scene.draw("targets", v, n);
    for (int i = 0; ignored > 0 && i < n; i++) {
      targets[i] = i % ignored == ignored - 1 ? -1 : targets[i];
    }
    return targets;
  }

  private static double lse(IntToDoubleFunction logits, int row, int v) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < v; j++) {
      max = Math.max(max, logits.applyAsDouble(row * v + j));
    }
    double sum = 0;
    for (int j = 0; j < v; j++) {
      sum += Math.exp(logits.applyAsDouble(row * v + j) - max);
    }
    return max + Math.log(sum);
  }
}

package jambic.tensor.contract;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Nonlinearities: their whole range, their tails, in place. */
public interface ActivationContract {
  /** Zeros, tiny and huge numbers, and where the exponentials of a GELU vanish. */
  double[] SPECIAL = {
    0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 1, -1, 3, -3, 5.5, -5.5, 6, -6, 9, -9, 12, -12, 14, -14,
    40, -40, 100, -100, 1e4, -1e4
  };

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** Ugly counts of normal numbers, the special ones, and a grid over the whole curve. */
  @FunctionalInterface
  interface Inputs {
    /**
     * Checks kernels on one input.
     *
     * @param title the input
     * @param count how many numbers
     * @param values the numbers
     */
    void check(String title, int count, IntToDoubleFunction values);
  }

  private static void inputs(Inputs inputs) {
    for (int n : new int[] {1, 3, 17, 63, 257}) {
      inputs.check(n + " small numbers", n, i -> (i * 37 % 101 - 50) / 12.5);
    }
    inputs.check("special numbers", SPECIAL.length, i -> SPECIAL[i]);
    inputs.check("[-12, 12]", 24_001, i -> (i - 12_000) / 1000.0);
  }

  /** {@code out = activation(x)}, also in place. */
  @Test
  default void activationForward() {
    for (Activation activation : Activation.values()) {
      inputs((title, n, values) ->
          contract()
              .check(
                  "activation.forward " + activation + " of " + title,
                  Tolerances.f32(Kernel.ACTIVATION),
                  scene -> {
                    Tensor x = scene.input("x", values, n);
                    Tensor out = scene.outputOrOneOf("out", x);
                    return () -> scene.backend().activation().forward(out, x, activation);
                  }));
    }
  }

  /** {@code dx = dout * activation'(x)}, also in place of dout. */
  @Test
  default void activationBackward() {
    for (Activation activation : Activation.values()) {
      inputs((title, n, values) ->
          contract()
              .check(
                  "activation.backward " + activation + " at " + title,
                  Tolerances.f32(Kernel.ACTIVATION),
                  scene -> {
                    Tensor x = scene.input("x", values, n);
                    Tensor dout = scene.input("dout", n);
                    Tensor dx = scene.outputOrOneOf("dx", dout);
                    return () -> scene.backend().activation().backward(dx, dout, x, activation);
                  }));
    }
  }
}

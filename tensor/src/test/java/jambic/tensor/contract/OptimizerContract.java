package jambic.tensor.contract;

import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** The update: lists of ugly tensors, with and without clipping and decay. */
public interface OptimizerContract {
  /** Elements of the tensors of a list. */
  int[] SIZES = {1, 3, 17, 63, 257, 5000, 1};

  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** The norm of all gradients: clipped, not clipped, and no limit. */
  @Test
  default void clipNorm() {
    for (float maxNorm : new float[] {0, 1, 1000}) {
      contract()
          .check(
              "optimizer.clipNorm " + maxNorm,
              Tolerances.f32(Kernel.OPTIMIZER),
              scene -> {
                Tensor norm = scene.output("norm", 1);
                Tensor scale = scene.output("scale", 1);
                List<Tensor> grads = new ArrayList<>();
                for (int i = 0; i < SIZES.length; i++) {
                  grads.add(scene.input("grad" + i, SIZES[i]));
                }
                return () -> scene.backend().optimizer().clipNorm(norm, scale, grads, maxNorm);
              });
    }
  }

  /** A norm of 0 clips nothing and divides by nothing. */
  @Test
  default void clipNormOfZeros() {
    contract()
        .check(
            "optimizer.clipNorm of zeros",
            Tolerance.EXACT,
            scene -> {
              Tensor norm = scene.output("norm", 1);
              Tensor scale = scene.output("scale", 1);
              List<Tensor> grads = List.of(scene.input("grad", i -> 0, 40));
              return () -> scene.backend().optimizer().clipNorm(norm, scale, grads, 1);
            });
  }

  /** A first step, a late step, one without decay, one with an epsilon that shows. */
  @Test
  default void adamW() {
    check("first step", 1e-3f, 0.1f, 0.05f, 0.3f, 1e-8f, 0.1f);
    check("late step", 3e-4f, 1, 1, 1, 1e-8f, 0.01f);
    check("no decay", 1e-2f, 0.5f, 0.1f, 1, 1e-8f, 0);
    check("large epsilon", 1e-2f, 0.5f, 0.1f, 1, 0.25f, 0.1f);
  }

  private void check(
      String title, float lr, float c1, float c2, float clip, float eps, float decay) {
    contract()
        .check(
            "optimizer.adamW " + title,
            Tolerances.f32(Kernel.OPTIMIZER),
            scene -> {
              List<Tensor> params = new ArrayList<>();
              List<Tensor> m = new ArrayList<>();
              List<Tensor> v = new ArrayList<>();
              List<Tensor> grads = new ArrayList<>();
              for (int i = 0; i < SIZES.length; i++) {
                int n = SIZES[i];
                params.add(scene.accumulated("param" + i, n));
                m.add(scene.accumulated("m" + i, n));
                Tensor squares = scene.input("v" + i, j -> j % 5 * 0.1, n);
                v.add(scene.written("v" + i, squares));
                grads.add(scene.input("grad" + i, n));
              }
              Tensor hyper = hyper(scene, lr, c1, c2);
              Tensor scale = scene.input("scale", i -> clip, 1);
              return () ->
                  scene
                      .backend()
                      .optimizer()
                      .adamW(params, m, v, grads, hyper, scale, 0.9f, 0.99f, eps, decay);
            });
  }

  /** Where no gradient ever was, 0 / (0 + eps) leaves a parameter as it is. */
  @Test
  default void adamWOfZeros() {
    contract()
        .check(
            "optimizer.adamW of zeros",
            Tolerance.EXACT,
            scene -> {
              List<Tensor> params = List.of(scene.accumulated("param", 40));
              List<Tensor> m = List.of(scene.written("m", scene.input("m", i -> 0, 40)));
              List<Tensor> v = List.of(scene.written("v", scene.input("v", i -> 0, 40)));
              List<Tensor> grads = List.of(scene.input("grad", i -> 0, 40));
              Tensor hyper = hyper(scene, 1e-3f, 0.1f, 0.01f);
              Tensor scale = scene.input("scale", i -> 1, 1);
              return () ->
                  scene
                      .backend()
                      .optimizer()
                      .adamW(params, m, v, grads, hyper, scale, 0.9f, 0.99f, 1e-8f, 0);
            });
  }

  /** Of beta2 = 0.99999, 1 - beta2 in floats is wrong by a thousandth: it shows in v and in p. */
  @Test
  default void adamWOfABetaNearOne() {
    contract()
        .check(
            "optimizer.adamW of a beta2 near 1",
            Tolerances.f32(Kernel.OPTIMIZER),
            scene -> {
              List<Tensor> params = List.of(scene.accumulated("param", 40));
              List<Tensor> m = List.of(scene.written("m", scene.input("m", i -> 0, 40)));
              List<Tensor> v = List.of(scene.written("v", scene.input("v", i -> 0, 40)));
              List<Tensor> grads = List.of(scene.input("grad", i -> 1000 + i, 40));
              Tensor hyper = hyper(scene, 1, (float) (1 - 0.999), (float) (1 - 0.99999));
              Tensor scale = scene.input("scale", i -> 1, 1);
              return () ->
                  scene
                      .backend()
                      .optimizer()
                      .adamW(params, m, v, grads, hyper, scale, 0.999, 0.99999, 1e-8f, 0);
            });
  }

  /** Momentum that grows, that forgets all, and of a beta near 1; clipped and not. */
  @Test
  default void momentum() {
    for (int size : SIZES) {
      momentum(size, 0.95, 1);
      momentum(size, 0, 0.3f);
      momentum(size, 0.99999, 0.5f);
    }
    momentum(40_000, 0.95, 0.7f);
  }

  private void momentum(int size, double beta, float clip) {
    contract()
        .check(
            "optimizer.momentum " + size + ", beta " + beta,
            Tolerances.f32(Kernel.OPTIMIZER),
            scene -> {
              Tensor out = scene.output("out", size);
              Tensor m = scene.accumulated("m", size);
              Tensor grad = scene.input("grad", size);
              Tensor scale = scene.input("scale", i -> clip, 1);
              return () -> scene.backend().optimizer().momentum(out, m, grad, scale, beta);
            });
  }

  /** Into its input or beside it. */
  @Test
  default void normalize() {
    for (int size : SIZES) {
      normalize("", size, 3.7f, 1e-7f, i -> i % 7 - 3);
    }
    normalize("", 40_000, 211, 0.5f, i -> i % 7 - 3);
  }

  /** A norm of 0 makes no NaN of zeros. */
  @Test
  default void normalizeOfZeros() {
    normalize(" of zeros", 40, 0, 1e-7f, i -> 0);
  }

  private void normalize(
      String title, int size, float norm, float eps, IntToDoubleFunction values) {
    contract()
        .check(
            "optimizer.normalize " + size + title,
            Tolerances.f32(Kernel.OPTIMIZER),
            scene -> {
              Tensor x = scene.input("x", values, size);
              Tensor out = scene.outputOrOneOf("out", x);
              Tensor length = scene.input("norm", i -> norm, 1);
              return () -> scene.backend().optimizer().normalize(out, x, length, eps);
            });
  }

  /** Into either summand or beside both. */
  @Test
  default void weightedSum() {
    for (int size : new int[] {1, 3, 17, 63, 257, 5000, 40_000}) {
      contract()
          .check(
              "optimizer.weightedSum " + size,
              Tolerances.f32(Kernel.OPTIMIZER),
              scene -> {
                Tensor x = scene.input("x", size);
                Tensor y = scene.input("y", size);
                Tensor out = scene.outputOrOneOf("out", x, y);
                return () -> scene.backend().optimizer().weightedSum(out, x, y, -4.775f, 2.0315f);
              });
    }
  }

  /** With decay and without. */
  @Test
  default void descend() {
    for (int size : new int[] {1, 3, 17, 63, 257, 5000, 40_000}) {
      for (float decay : new float[] {0, 0.1f}) {
        contract()
            .check(
                "optimizer.descend " + size + ", decay " + decay,
                Tolerances.f32(Kernel.OPTIMIZER),
                scene -> {
                  Tensor param = scene.accumulated("param", size);
                  Tensor direction = scene.input("direction", size);
                  Tensor hyper = scene.input("hyper", i -> 0.02, 1);
                  return () ->
                      scene.backend().optimizer().descend(param, direction, hyper, 1.7f, decay);
                });
      }
    }
  }

  private static Tensor hyper(Scene scene, float lr, float c1, float c2) {
    double[] values = {lr, c1, c2};
    return scene.input("hyper", i -> values[i], 3);
  }
}

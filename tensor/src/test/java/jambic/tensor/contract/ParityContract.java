package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.contract.Tolerances.Kernel;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Every op and its gradients against PyTorch, which computed the fixtures in double precision. */
public interface ParityContract {
  /**
   * The judge.
   *
   * @return runs and compares
   */
  Contract contract();

  /** One fixture on one backend. */
  final class Run {
    private final Fixtures fixtures;
    private final String name;
    private final Scene scene;

    private Run(Fixtures fixtures, String name, Scene scene) {
      this.fixtures = fixtures;
      this.name = name;
      this.scene = scene;
    }

    private Backend backend() {
      return scene.backend();
    }

    private Tensor load(String key) {
      float[] values = fixtures.floats(name + "/" + key);
      return scene.input(key, i -> values[i], fixtures.shape(name + "/" + key));
    }

    private Tensor loadInts(String key) {
      return scene.integers(key, fixtures.ints(name + "/" + key), fixtures.shape(name + "/" + key));
    }

    /** A tensor of a fixture's shape. */
    private Tensor like(String key) {
      return scene.output(key, fixtures.shape(name + "/" + key));
    }

    private Tensor zeros(String key) {
      return scene.input("zeros " + key, i -> 0, fixtures.shape(name + "/" + key));
    }

    private void require(String key, Tensor got, long terms) {
      Contract.requireClose(
          name + "/" + key + " on " + backend().description(),
          fixtures.floats(name + "/" + key),
          got.toFloats(),
          Tolerances.f32(Kernel.PARITY).summing(terms));
    }
  }

  /** No fixture is forgotten. */
  @Test
  default void parityOfEveryFixture() {
    Fixtures fixtures = Fixtures.load("/parity/ops.safetensors");
    Map<String, Consumer<Run>> tests = new HashMap<>();
    tests.put("linear", ParityContract::linear);
    tests.put("layernorm", ParityContract::norm);
    tests.put("gelu_erf", run -> activation(run, Activation.GELU_ERF));
    tests.put("gelu_tanh", run -> activation(run, Activation.GELU_TANH));
    tests.put("relu", run -> activation(run, Activation.RELU));
    tests.put("causal_attention", ParityContract::causalAttention);
    tests.put("cross_attention", ParityContract::crossAttention);
    tests.put("cross_entropy", run -> crossEntropy(run, 0));
    tests.put("cross_entropy_smoothed", run -> crossEntropy(run, 0.1f));
    tests.put("embedding", ParityContract::embedding);
    tests.put("adamw", ParityContract::adamW);
    TreeSet<String> names = new TreeSet<>();
    fixtures.names().forEach(name -> names.add(name.substring(0, name.indexOf('/'))));
    assertEquals(24, names.size(), "fixtures in " + names);
    for (String name : names) {
      Consumer<Run> test = tests.get(name.replaceFirst("_[a-z]?\\d.*", ""));
      for (Backend backend : contract().backends()) {
        try (Scene scene = contract().scene(backend, name)) {
          test.accept(new Run(fixtures, name, scene));
        }
      }
    }
  }

  private static void linear(Run run) {
    Tensor x = run.load("in/x");
    Tensor w = run.load("in/w");
    Tensor b = run.load("in/b");
    Tensor dout = run.load("dout");
    Tensor out = run.like("out");
    Tensor dx = run.like("grad/x");
    Tensor dw = run.like("grad/w");
    Tensor db = run.like("grad/b");
    run.backend().linear().forward(out, x, w, b);
    run.backend().linear().backwardInput(dx, dout, w, false);
    run.backend().linear().backwardWeight(dw, db, dout, x, false);
    run.require("out", out, x.dim(-1));
    run.require("grad/x", dx, w.dim(0));
    run.require("grad/w", dw, x.dim(0));
    run.require("grad/b", db, x.dim(0));
  }

  private static void norm(Run run) {
    Tensor x = run.load("in/x");
    Tensor g = run.load("in/g");
    Tensor b = run.load("in/b");
    Tensor dout = run.load("dout");
    Tensor out = run.like("out");
    Tensor mean = run.scene.output("mean", x.dim(0));
    Tensor rstd = run.scene.output("rstd", x.dim(0));
    Tensor dx = run.like("grad/x");
    Tensor dg = run.zeros("grad/g");
    Tensor db = run.zeros("grad/b");
    run.backend().norm().forward(out, mean, rstd, x, g, b, NormContract.EPS);
    run.backend().norm().backward(dx, dg, db, dout, x, g, mean, rstd, false);
    run.require("out", out, 1);
    run.require("grad/x", dx, 1);
    run.require("grad/g", dg, x.dim(0));
    run.require("grad/b", db, x.dim(0));
  }

  private static void activation(Run run, Activation activation) {
    Tensor x = run.load("in/x");
    Tensor dout = run.load("dout");
    Tensor out = run.like("out");
    Tensor dx = run.like("grad/x");
    run.backend().activation().forward(out, x, activation);
    run.backend().activation().backward(dx, dout, x, activation);
    run.require("out", out, 1);
    run.require("grad/x", dx, 1);
  }

  private static void causalAttention(Run run) {
    Tensor qkv = run.load("in/qkv");
    Tensor dqkv = run.like("grad/qkv");
    int c = qkv.dim(-1) / 3;
    attention(
        run,
        new Tensor[] {qkv.columns(0, c), qkv.columns(c, c), qkv.columns(2 * c, c)},
        new Tensor[] {dqkv.columns(0, c), dqkv.columns(c, c), dqkv.columns(2 * c, c)},
        Tensor.NONE,
        true);
    run.require("grad/qkv", dqkv, qkv.dim(1));
  }

  private static void crossAttention(Run run) {
    Tensor q = run.load("in/q");
    Tensor kv = run.load("in/kv");
    Tensor dq = run.like("grad/q");
    Tensor dkv = run.like("grad/kv");
    int c = q.dim(-1);
    attention(
        run,
        new Tensor[] {q, kv.columns(0, c), kv.columns(c, c)},
        new Tensor[] {dq, dkv.columns(0, c), dkv.columns(c, c)},
        run.loadInts("in/lengths"),
        false);
    run.require("grad/q", dq, kv.dim(1));
    run.require("grad/kv", dkv, kv.dim(1));
  }

  private static void attention(
      Run run, Tensor[] qkv, Tensor[] gradients, Tensor lengths, boolean causal) {
    int b = qkv[0].dim(0);
    int t = qkv[0].dim(1);
    int heads = Integer.parseInt(run.name.replaceFirst(".*_h(\\d+)_.*", "$1"));
    float scale = (float) (1 / Math.sqrt(qkv[0].dim(-1) / heads));
    Tensor out = run.like("out");
    Tensor lse = run.scene.output("lse", b, heads, t);
    Tensor dout = run.load("dout");
    run.backend()
        .attention()
        .forward(out, lse, qkv[0], qkv[1], qkv[2], lengths, heads, causal, scale, Dropout.NONE);
    run.backend()
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
            heads,
            causal,
            scale,
            Dropout.NONE);
    run.require("out", out, qkv[1].dim(1));
  }

  private static void crossEntropy(Run run, float smoothing) {
    Tensor logits = run.load("in/logits");
    Tensor targets = run.loadInts("in/targets");
    Tensor dloss = run.load("dout");
    Tensor loss = run.like("out");
    Tensor lse = run.scene.output("lse", logits.dim(0));
    Tensor dlogits = run.like("grad/logits");
    run.backend().loss().crossEntropy(loss, lse, logits, targets, smoothing);
    run.backend().loss().crossEntropyBackward(dlogits, dloss, lse, logits, targets, smoothing);
    run.require("out", loss, 1);
    run.require("grad/logits", dlogits, 1);
  }

  private static void embedding(Run run) {
    Tensor ids = run.loadInts("in/ids");
    Tensor w = run.load("in/w");
    Tensor dout = run.load("dout");
    Tensor out = run.like("out");
    Tensor dw = run.zeros("grad/w");
    run.backend().embedding().forward(out, ids, w, Tensor.NONE, Tensor.NONE, 1);
    run.backend().embedding().backward(dw, Tensor.NONE, dout, ids, 1);
    run.require("out", out, 1);
    run.require("grad/w", dw, ids.size());
  }

  private static void adamW(Run run) {
    Tensor param = run.load("param0");
    Tensor m = run.zeros("param0");
    Tensor v = run.scene.input("v", i -> 0, param.dim(0));
    Tensor scale = run.scene.input("scale", i -> 1, 1);
    for (int step = 1; step <= 5; step++) {
      double[] hyper = {3e-3, 1 - Math.pow(0.9, step), 1 - Math.pow(0.95, step)};
      Tensor device = run.scene.input("hyper" + step, i -> hyper[i], 3);
      Tensor grad = run.load("grad" + (step - 1));
      run.backend()
          .optimizer()
          .adamW(
              List.of(param),
              List.of(m),
              List.of(v),
              List.of(grad),
              device,
              scale,
              0.9f,
              0.95f,
              1e-8f,
              0.1f);
      run.require("param" + step, param, 1);
    }
  }
}

package jambic.tensor.contract;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import jambic.tensor.Program;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A captured step computes with what its tensors hold when it runs, not when it was captured. */
public interface CaptureContract {
  /**
   * The judge.
   *
   * @return sets up tensors
   */
  Contract contract();

  /** A new batch, the next step's dropout and learning rate: no launch holds old ones. */
  @Test
  default void programsReadTheirInputsAnew() {
    for (Backend backend : contract().backends()) {
      try (Scene scene = contract().scene(backend, "capture")) {
        Tensor x = scene.input("x", 300);
        Tensor step = scene.integers("step", new int[] {1}, 1);
        Tensor dropped = scene.output("dropped", 300);
        Tensor param = scene.accumulated("param", 300);
        Tensor m = scene.accumulated("m", 300);
        Tensor v = scene.input("v", i -> 1, 300);
        Tensor hyper = scene.input("hyper", i -> 0.5, 3);
        Tensor norm = scene.output("norm", 1);
        Tensor clip = scene.output("clip", 1);
        Dropout dropout = new Dropout(0.5f, 1, 2, step);
        Runnable body =
            () -> {
              backend.elementwise().dropout(dropped, x, dropout);
              backend.optimizer().clipNorm(norm, clip, List.of(dropped), 1);
              backend
                  .optimizer()
                  .adamW(
                      List.of(param),
                      List.of(m),
                      List.of(v),
                      List.of(dropped),
                      hyper,
                      clip,
                      0.9f,
                      0.99f,
                      1e-8f,
                      0.1f);
            };
        List<Tensor> state = List.of(param, m, v);
        List<float[]> start = state.stream().map(Tensor::toFloats).toList();
        Program program = backend.capture(body);
        program.run();
        float[] first = param.toFloats();

        float[] next = x.toFloats();
        for (int i = 0; i < next.length; i++) {
          next[i] += 1;
        }
        x.set(next);
        step.set(new int[] {2});
        hyper.set(new float[] {0.25f, 0.75f, 0.875f});
        restore(state, start);
        program.run();
        float[] captured = param.toFloats();
        float[] drawn = dropped.toFloats();

        restore(state, start);
        body.run();
        String where = "on " + backend.description();
        assertArrayEquals(param.toFloats(), captured, "param " + where);
        assertArrayEquals(dropped.toFloats(), drawn, "dropped " + where);
        assertFalse(Arrays.equals(first, captured), "two steps alike " + where);
      }
    }
  }

  private static void restore(List<Tensor> tensors, List<float[]> contents) {
    for (int i = 0; i < tensors.size(); i++) {
      tensors.get(i).set(contents.get(i));
    }
  }
}

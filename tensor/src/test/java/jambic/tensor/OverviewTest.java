package jambic.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import org.junit.jupiter.api.Test;

/** The examples of the package's overview. */
class OverviewTest {
  @Test
  void aProduct() {
    // @start region=product
    try (Backend backend = Backends.open();
        Region region = backend.region()) {
      Tensor x = region.allocate(DType.F32, Shape.of(2, 3));
      Tensor w = region.allocate(DType.F32, Shape.of(1, 3));
      x.set(1f, 2f, 3f, 4f, 5f, 6f);
      w.set(1f, 0f, -1f);

      Ops ops = new InferenceOps(backend, region);
      Tensor y = ops.linear(x, w, Tensor.NONE); // (2, 1)
      float[] numbers = y.toFloats(); // -2, -2
      // @end
      assertThat(numbers).containsExactly(-2, -2);
    }
  }

  @Test
  void aGradient() {
    // @start region=gradient
    try (Backend backend = Backends.open();
        Region weights = backend.region();
        Region step = backend.region()) {
      Tensor w = weights.allocate(DType.F32, Shape.of(2, 3)); // 2 classes, 3 features
      Tensor dw = weights.allocate(DType.F32, Shape.of(2, 3));
      w.set(0f, 0f, 0f, 0f, 0f, 0f);
      dw.set(0f, 0f, 0f, 0f, 0f, 0f); // gradients are added to it
      w.setGrad(dw);

      Tensor x = step.allocate(DType.F32, Shape.of(1, 3));
      Tensor target = step.allocate(DType.I32, Shape.of(1));
      x.set(1f, 2f, 3f);
      target.set(1);

      Tape tape = new Tape(backend, step, 42);
      Tensor loss = tape.crossEntropy(tape.linear(x, w, Tensor.NONE), target, 0);
      tape.backward(loss, 1);
      float nats = loss.toFloats()[0]; // ln 2
      float[] gradient = dw.toFloats(); // 0.5, 1, 1.5, -0.5, -1, -1.5
      // @end
      assertThat(nats).isCloseTo((float) Math.log(2), within(1e-6f));
      assertThat(gradient)
          .containsExactly(new float[] {0.5f, 1, 1.5f, -0.5f, -1, -1.5f}, within(1e-6f));
    }
  }
}

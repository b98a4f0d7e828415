package jambic.tensor.contract;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.Backends;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The judge finds every kind of fault: each kernel here doubles x, and all but the first err. */
class ContractTest {
  private final Backend reference = Backends.open("reference", 1);
  private final Backend suspect = Backends.open("reference", 1);
  private final Backend twin = Backends.open("reference", 1);
  private final Contract contract = new Contract(reference, List.of(suspect, twin), 0, 3);
  private int runs;

  /** A kernel that may do what it likes. */
  @FunctionalInterface
  private interface Kernel {
    void run(Backend backend, Tensor out, Tensor x);
  }

  @AfterEach
  void close() {
    contract.close();
  }

  @Test
  void passesWhatIsRight() {
    assertThatCode(() -> judge(ContractTest::twice)).doesNotThrowAnyException();
  }

  @Test
  void findsAWrongNumber() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          change(out, 6, value -> changed(value, 1e-4f));
        },
        "double of 9, shift 0",
        "out: expected",
        "at index 6, the worst of 1 wrong in 9");
  }

  @Test
  void findsANumberLeftOut() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          change(out, 8, value -> new float[] {Float.NaN});
        },
        "got NaN at index 8");
  }

  @Test
  void findsAWriteBehindTheEnd() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          change(out, 9, value -> new float[] {0});
        },
        "out changed at index 9 of 9, outside of it");
  }

  @Test
  void findsAChangedInput() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          change(x, 2, value -> new float[] {0});
        },
        "x changed at index 2 of 9, inside of it");
  }

  @Test
  void findsARunThatDiffers() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          if (backend == suspect && ++runs == 2) {
            change(out, 4, value -> new float[] {Math.nextUp(value[0])});
          }
        },
        "run 2, captured, gave other bits at index 4");
  }

  @Test
  void findsBackendsThatDisagree() {
    fails(
        (backend, out, x) -> {
          twice(backend, out, x);
          if (backend == twin) {
            change(out, 1, value -> new float[] {Math.nextUp(value[0])});
          }
        },
        "the first backend gave other bits at index 1");
  }

  @Test
  void findsWhatBreaksInPlace() {
    fails(
        (backend, out, x) -> {
          backend.elementwise().fill(List.of(out), 0);
          backend.elementwise().add(out, out, x);
          backend.elementwise().add(out, out, x);
        },
        "aliased as 1");
  }

  private void fails(Kernel kernel, String... message) {
    assertThatThrownBy(() -> judge(kernel))
        .isInstanceOf(AssertionError.class)
        .message()
        .contains(message);
  }

  /** The reference is right; the others do as the kernel does. */
  private void judge(Kernel kernel) {
    contract.check(
        "double of 9",
        new Tolerance(1e-6, 1e-6),
        scene -> {
          Backend backend = scene.backend();
          Tensor x = scene.input("x", 9);
          Tensor out = scene.outputOrOneOf("out", x);
          return () -> {
            if (backend == reference) {
              twice(backend, out, x);
            } else {
              kernel.run(backend, out, x);
            }
          };
        });
  }

  private static void twice(Backend backend, Tensor out, Tensor x) {
    backend.elementwise().add(out, x, x);
  }

  private static float[] changed(float[] value, float by) {
    return new float[] {value[0] + by};
  }

  /** Changes one element, which may lie outside of the tensor. */
  private static void change(Tensor tensor, int index, UnaryOperator<float[]> change) {
    Tensor element =
        Tensor.over(Shape.of(1), tensor.dtype(), tensor.storage(), tensor.offset() + index);
    element.set(change.apply(element.toFloats()));
  }
}

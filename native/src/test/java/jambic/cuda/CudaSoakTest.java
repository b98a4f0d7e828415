package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.cuda.bindings.CudaDriver;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Precision;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A thousand captured steps on a GPU: the bits of eager ones, and not a byte more of memory. */
@ExtendWith(NeedsGpu.class)
class CudaSoakTest {
  private static final int STEPS = 1000;

  @ParameterizedTest
  @EnumSource(names = {"FP32", "TF32", "BF16"})
  void aThousandStepsLeaveMemoryAsItWas(Precision precision) {
    try (Backend backend = Backends.open("cuda", 1, precision);
        Region weights = backend.region();
        Region step = backend.region()) {
      Tensor wte = trained(backend, weights, 65, 64);
      Tensor qkv = trained(backend, weights, 192, 64);
      Tensor head = trained(backend, weights, 65, 64);
      Tensor ids = weights.allocate(DType.I32, Shape.of(4, 33));
      int[] tokens = new int[4 * 33];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = i * 7 % 65;
      }
      ids.set(tokens);
      Tape tape = new Tape(backend, step, 1);
      Tensor embedded = tape.embed(ids, wte, Tensor.NONE);
      Tensor attended = tape.causalAttention(tape.linear(embedded, qkv, Tensor.NONE), 4, 0.1f);
      Tensor logits = tape.linear(attended, head, Tensor.NONE, Activation.GELU_TANH);
      Tensor loss = tape.crossEntropy(logits, ids, 0);
      tape.backward(loss, 1);
      float[] eager = qkv.grad().toFloats();
      Program program = tape.program();

      backend.elementwise().fill(List.of(wte.grad(), qkv.grad(), head.grad()), 0);
      program.run();
      assertThat(qkv.grad().toFloats()).isEqualTo(eager);
      long free = free();
      for (int i = 0; i < STEPS; i++) {
        tape.step().set(i);
        program.run();
      }
      assertThat(loss.toFloats()[0]).isFinite();
      assertThat(free()).isEqualTo(free);
    }
  }

  private static Tensor trained(Backend backend, Region region, int... dims) {
    Tensor tensor = region.allocate(DType.F32, Shape.of(dims));
    float[] values = new float[Math.toIntExact(tensor.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 37 % 101 - 50) * 0.01f;
    }
    tensor.set(values);
    Tensor grad = region.allocate(DType.F32, tensor.shape());
    backend.elementwise().fill(List.of(grad), 0);
    tensor.setGrad(grad);
    return tensor;
  }

  private static long free() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
      Check.driver(CudaDriver.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
      return free.get(ValueLayout.JAVA_LONG, 0);
    }
  }
}

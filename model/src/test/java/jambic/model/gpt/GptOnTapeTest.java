package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.nn.LoraConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** No model reads what the tape has written over: none is refused, of any shape. */
class GptOnTapeTest {
  private static final List<String> EVERYWHERE =
      List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj");

  @ParameterizedTest
  @CsvSource({"0, false", "0.1, false", "0, true", "0.1, true"})
  void runsForwardAndBackwardAndAgain(float dropout, boolean adapted) {
    LoraConfig lora = new LoraConfig(2, 4, EVERYWHERE, Path.of("base"));
    for (int flags = 0; flags < 24; flags++) {
      GptConfig config = GptConfigTest.small(flags).withDropout(dropout, dropout);
      try (Backend backend = Backends.open("reference", 1);
          Gpt gpt = new Gpt(backend, config, adapted ? Optional.of(lora) : Optional.empty());
          Region gradients = backend.region();
          Region region = backend.region()) {
        fill(gpt.parameters());
        fill(gpt.adapters());
        Parameters trained = adapted ? gpt.adapters() : gpt.parameters();
        trained.train(gradients);
        backend.elementwise().fill(trained.tensors().stream().map(Tensor::grad).toList(), 0);
        Tensor ids = region.allocate(DType.I32, Shape.of(2, 3));
        ids.set(1, 2, 3, 4, 5, 6);
        Tape tape = new Tape(backend, region, 1);
        Tensor loss = gpt.loss(tape, ids, ids);
        tape.backward(loss, 1);
        float first = loss.toFloats()[0];
        long bytes = region.bytes();
        tape.program().run();
        assertThat(loss.toFloats()[0]).isFinite().isEqualTo(first);
        assertThat(region.bytes()).isEqualTo(bytes);
      }
    }
  }

  private static void fill(Parameters parameters) {
    for (Tensor tensor : parameters.tensors()) {
      float[] values = new float[Math.toIntExact(tensor.size())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * 37 % 101 - 50) * 0.01f;
      }
      tensor.set(values);
    }
  }
}

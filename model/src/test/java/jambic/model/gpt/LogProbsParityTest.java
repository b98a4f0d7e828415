package jambic.model.gpt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.io.Safetensors;
import jambic.model.io.SafetensorsTest;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.DType;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Losses that the host computes of log-probabilities, and their gradients through a whole model,
 * against PyTorch and TRL.
 */
@ParameterizedClass
@ValueSource(strings = {"cpu", "reference"})
class LogProbsParityTest {
  private static final int VOCABULARY = 61;
  private static final GptConfig CONFIG =
      new GptConfig(
          VOCABULARY, 32, 2, 4, 32, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  private final Backend backend;
  private final Region weights;
  private final Region step;
  private final Safetensors fixture;
  private final Gpt policy;

  /** A recorded pass over one batch: the gradient of each log-probability is set in between. */
  private record Pass(Program forward, Program backward, Tensor logProbs, Tensor slopes) {}

  LogProbsParityTest(String name) {
    backend = Backends.open(name, 2);
    weights = backend.region();
    step = backend.region();
    fixture = Safetensors.open(SafetensorsTest.resource("alignment.safetensors"));
    policy = new Gpt(backend, CONFIG);
  }

  @BeforeEach
  void load() {
    policy.parameters().byName().forEach((key, tensor) -> tensor.set(floats("policy/" + key)));
    policy.parameters().train(weights);
  }

  @AfterEach
  void close() {
    policy.close();
    fixture.close();
    step.close();
    weights.close();
    backend.close();
  }

  @Test
  void logProbsOfAnswersAreThoseOfTrl() {
    for (float temperature : new float[] {1, 0.7f}) {
      Pass pass = record("rl", temperature);
      float[] expected = floats("rl/t" + temperature + "/logps");
      float[] got = pass.logProbs.toFloats();
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) got[i])
            .as("%d at temperature %s", i, temperature)
            .isCloseTo(expected[i], within(1e-5 + 1e-4 * Math.abs(expected[i])));
      }
    }
  }

  /** The mean over the tokens that count: the loss of supervised fine-tuning. */
  @Test
  void fineTuningHasItsLossAndGradients() {
    Pass pass = record("sft", 1);
    int[] targets = ints("sft/y");
    int counted = 0;
    double loss = 0;
    float[] logProbs = pass.logProbs.toFloats();
    for (int i = 0; i < targets.length; i++) {
      counted += targets[i] == -1 ? 0 : 1;
      loss -= logProbs[i];
    }
    float[] slopes = new float[targets.length];
    for (int i = 0; i < slopes.length; i++) {
      slopes[i] = -1f / counted;
    }
    assertThat(loss / counted).isCloseTo(floats("sft/loss")[0], within(1e-5));
    pass.slopes.set(slopes);
    pass.backward.run();
    requireGradients("sft/grad/");
  }

  /** Rows 0 to 2 are chosen, 3 to 5 rejected: -log sigmoid of the difference of their margins. */
  @Test
  void preferencesHaveTheirLossAndGradients() {
    double beta = 0.1;
    Pass pass = record("dpo", 1);
    float[] logProbs = pass.logProbs.toFloats();
    float[] reference = floats("dpo/reference_logps");
    float[] expected = floats("dpo/policy_logps");
    int rows = reference.length;
    int width = logProbs.length / rows;
    double[] margins = new double[rows];
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      for (int t = 0; t < width; t++) {
        sum += logProbs[row * width + t];
      }
      assertThat(sum).isCloseTo(expected[row], within(1e-5 + 1e-4 * Math.abs(expected[row])));
      margins[row] = sum - reference[row];
    }
    int pairs = rows / 2;
    double loss = 0;
    float[] slopes = new float[logProbs.length];
    for (int pair = 0; pair < pairs; pair++) {
      double difference = beta * (margins[pair] - margins[pairs + pair]);
      loss += Math.log1p(Math.exp(-difference)) / pairs;
      double slope = -beta / (1 + Math.exp(difference)) / pairs;
      for (int t = 0; t < width; t++) {
        slopes[pair * width + t] = (float) slope;
        slopes[(pairs + pair) * width + t] = (float) -slope;
      }
    }
    assertThat(loss).isCloseTo(floats("dpo/loss/sigmoid")[0], within(1e-5));
    pass.slopes.set(slopes);
    pass.forward.run();
    assertThat(pass.logProbs.toFloats()).isEqualTo(logProbs);
    pass.backward.run();
    requireGradients("dpo/grad/");
  }

  /** Logits by way of the model, then a head that leaves them as they are. */
  private Pass record(String name, float temperature) {
    step.rewind();
    List<Long> shape = fixture.entry(name + "/x").shape();
    Tensor ids = integers(name + "/x", shape);
    Tensor targets = integers(name + "/y", shape);
    Tensor same = weights.allocate(DType.F32, Shape.of(VOCABULARY, VOCABULARY));
    float[] diagonal = new float[VOCABULARY * VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++) {
      diagonal[i * VOCABULARY + i] = 1;
    }
    same.set(diagonal);
    Tensor slopes = weights.allocate(DType.F32, Shape.of(Math.toIntExact(ids.size())));
    slopes.set(new float[Math.toIntExact(ids.size())]);
    Tape tape = new Tape(backend, step, 1);
    Tensor logProbs =
        tape.logProbs(policy.logits(tape, ids), same, Tensor.NONE, targets, temperature);
    Program forward = tape.program();
    tape.backward(logProbs, slopes, policy.parameters().tensors());
    forward.run();
    return new Pass(forward, tape.backwardProgram(), logProbs, slopes);
  }

  private void requireGradients(String prefix) {
    for (Map.Entry<String, Tensor> parameter : policy.parameters().byName().entrySet()) {
      float[] expected = floats(prefix + parameter.getKey());
      float[] got = parameter.getValue().grad().toFloats();
      for (int i = 0; i < expected.length; i++) {
        assertThat((double) got[i])
            .as("gradient %d of %s", i, parameter.getKey())
            .isCloseTo(expected[i], within(1e-5 + 1e-4 * Math.abs(expected[i])));
      }
    }
  }

  private Tensor integers(String name, List<Long> shape) {
    Shape matrix = Shape.of(shape.get(0).intValue(), shape.get(1).intValue());
    Tensor tensor = step.allocate(DType.I32, matrix);
    tensor.set(ints(name));
    return tensor;
  }

  private int[] ints(String name) {
    return fixture.entry(name).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  private float[] floats(String name) {
    Safetensors.Entry entry = fixture.entry(name);
    float[] values = new float[Math.toIntExact(entry.size())];
    entry.readFloats(values, 0);
    return values;
  }
}

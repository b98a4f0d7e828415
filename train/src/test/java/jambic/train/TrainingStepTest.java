package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.gpt.Gpt;
import jambic.tensor.Backends;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.objective.NextTokenPrediction;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingStepTest {
  private static final int VOCABULARY = 13;

  private static final TrainConfig CONFIG =
      Preset.LECTURE_SMALL
          .config()
          .withAll(Map.of("nLayer", 2, "nHead", 2, "nEmbd", 16, "blockSize", 8, "batchSize", 3));

  /** Of one micro batch or of several, the first or a later one. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void anIterationForgetsTheGradientsBeforeIt(int microSteps) {
    TrainConfig config = CONFIG.with("gradientAccumulationSteps", microSteps);
    assertThat(weightsAfterThree(config, Float.NaN))
        .usingRecursiveComparison()
        .isEqualTo(weightsAfterThree(config, 0));
  }

  private static Map<String, float[]> weightsAfterThree(TrainConfig config, float gradients) {
    try (Run run = new Run(config)) {
      for (int i = 0; i < 3; i++) {
        run.fillGradients(gradients);
        run.training.step().run(i, 1e-2);
      }
      return run.weights();
    }
  }

  @Test
  void anIterationThatWasGivenUpMayBeRunAgain() {
    TrainConfig config = CONFIG.with("gradientAccumulationSteps", 3);
    Map<String, float[]> whole = weightsAfterThree(config, 0);
    try (Run run = new Run(config)) {
      for (int i = 0; i < 3; i++) {
        assertThat(run.training.step().run(i, 1e-2, () -> true)).isEmpty();
        run.training.step().run(i, 1e-2);
      }
      assertThat(run.weights()).usingRecursiveComparison().isEqualTo(whole);
    }
  }

  private static void batch(int iteration, int micro, int[] x, int[] y) {
    Arrays.setAll(x, i -> (i * 5 + micro) % VOCABULARY);
    Arrays.setAll(y, i -> (i * 5 + micro + 5) % VOCABULARY);
  }

  private static final class Run implements AutoCloseable {
    private final Backend backend = Backends.open("cpu", 2);
    private final Gpt model;
    private final Training training;

    Run(TrainConfig config) {
      model = new Gpt(backend, config.gpt(VOCABULARY), config.init());
      training =
          new Training(
              model,
              config,
              new NextTokenPrediction(
                  model,
                  TrainingStepTest::batch,
                  config.batch().batchSize(),
                  config.model().blockSize()));
    }

    void fillGradients(float value) {
      backend
          .elementwise()
          .fill(model.parameters().tensors().stream().map(Tensor::grad).toList(), value);
    }

    Map<String, float[]> weights() {
      Map<String, float[]> weights = new LinkedHashMap<>();
      model.parameters().byName().forEach((name, tensor) -> weights.put(name, tensor.toFloats()));
      return weights;
    }

    @Override
    public void close() {
      training.close();
      model.close();
      backend.close();
    }
  }
}

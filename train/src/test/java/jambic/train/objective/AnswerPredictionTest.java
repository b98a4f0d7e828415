package jambic.train.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.Safetensors;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.LossEstimator;
import jambic.train.Training;
import jambic.train.TrainingStep;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset.Split;
import jambic.train.example.TokenExample;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against PyTorch and TRL in 64 bits; one of the five answers is its end alone, one is empty. */
class AnswerPredictionTest {
  private static final TrainConfig CONFIG = Preset.SHAKESPEARE_CHAR_CPU.config().with("seed", 0);
  private static final int CONTEXT = 13;

  private final Backend backend = Backends.open("cpu", 2);
  private final Region state = backend.region();
  private final Region activations = backend.region();
  private final Gpt model =
      new Gpt(
          backend,
          new GptConfig(
              61, 32, 2, 4, 32, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f));
  private Safetensors fixture;
  private List<TokenExample> examples;

  @BeforeEach
  void open() throws URISyntaxException {
    fixture =
        Safetensors.open(
            Path.of(getClass().getResource("/parity/alignment/sft.safetensors").toURI()));
    model.parameters().byName().forEach((name, tensor) -> tensor.set(floats("param/" + name)));
    int[] ids = ints("ids");
    int[] lengths = ints("lengths");
    int[] prompts = ints("prompt_lengths");
    examples = new ArrayList<>();
    for (int i = 0; i < lengths.length; i++) {
      int from = i * (CONTEXT + 1);
      examples.add(
          TokenExample.of(
              Arrays.copyOfRange(ids, from, from + prompts[i]),
              Arrays.copyOfRange(ids, from + prompts[i], from + lengths[i])));
    }
  }

  @AfterEach
  void close() {
    fixture.close();
    model.close();
    activations.close();
    state.close();
    backend.close();
  }

  @Test
  void microBatchesWeighAsManyTargetsAsTheyHave() {
    TrainConfig config = CONFIG.withAll(Map.of("gradientAccumulationSteps", 5, "gradClip", 0));
    try (Training training = new Training(model, config, objective(1, 5))) {
      accumulate(training.step());
    }
  }

  private void accumulate(TrainingStep step) {
    for (int repeat = 0; repeat < 2; repeat++) { // recorded, and replayed in another order
      double loss = step.run(repeat, 0);
      assertThat(loss).isCloseTo(floats("accumulated/loss")[0], within(1e-5));
      assertThat(Math.abs(loss - floats("accumulated/wrong_mean_of_means")[0])).isGreaterThan(0.01);
      model
          .parameters()
          .byName()
          .forEach((name, tensor) -> requireClose(name, tensor.grad().toFloats()));
    }
  }

  private void requireClose(String name, float[] actual) {
    float[] expected = floats("grad/" + name);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("%s[%d]", name, i)
          .isCloseTo(expected[i], within(1e-5f + 1e-4f * Math.abs(expected[i])));
    }
  }

  @Test
  void anEstimateOverAllWeighsBatchesByTheirTargets() {
    for (int batchSize : new int[] {1, 2, 5, 7}) {
      var estimator = new LossEstimator(backend, objective(batchSize, 1), activations);
      assertThat(estimator.whole(Split.VAL)).isCloseTo(floats("loss")[0], within(1e-5));
    }
  }

  @Test
  void aBatchOfAllHasTheLossAndTheGradients() {
    TrainConfig config = CONFIG.with("gradClip", 0);
    try (Training training = new Training(model, config, objective(5, 1))) {
      assertThat(training.step().run(0, 0)).isCloseTo(floats("loss")[0], within(1e-5));
      model
          .parameters()
          .byName()
          .forEach((name, tensor) -> requireClose(name, tensor.grad().toFloats()));
    }
    assertThat(ints("targets")[0])
        .isEqualTo(examples.stream().mapToInt(TokenExample::targets).sum());
  }

  @Test
  void packedExamplesHaveTheLossAndTheGradientsOfPaddedOnes() {
    AnswerBatches packed = AnswerBatches.packed(examples, 2, 32, 1); // all five in one batch
    assertThat(packed.perEpoch()).isEqualTo(1);
    int tokens = examples.stream().mapToInt(example -> example.ids().length - 1).sum();
    assertThat(packed.shape(0).tokens()).isBetween(tokens, tokens + 7);
    TrainConfig config = CONFIG.with("gradClip", 0);
    try (Training training =
        new Training(model, config, new AnswerPrediction(model, packed, packed, 1))) {
      for (int repeat = 0; repeat < 2; repeat++) { // recorded, and replayed
        assertThat(training.step().run(repeat, 0)).isCloseTo(floats("loss")[0], within(1e-5));
        model
            .parameters()
            .byName()
            .forEach((name, tensor) -> requireClose(name, tensor.grad().toFloats()));
      }
    }
  }

  @Test
  void packedBatchesTogetherHaveTheLossOfAllExamples() {
    AnswerBatches packed = AnswerBatches.packed(examples, 1, 14, 1);
    assertThat(packed.perEpoch()).isGreaterThan(1);
    Objective objective = new AnswerPrediction(model, packed, packed, 1);
    assertThat(new LossEstimator(backend, objective, activations).whole(Split.TRAIN))
        .isCloseTo(floats("loss")[0], within(1e-5));
  }

  @Test
  void bothAnswersOfAConversationAreLearned() {
    int[] x = ints("turns/x");
    int[] y = ints("turns/y");
    int[] ids = new int[x.length + 1];
    boolean[] learned = new boolean[ids.length];
    System.arraycopy(x, 0, ids, 0, x.length);
    ids[x.length] = y[x.length - 1];
    for (int t = 0; t < y.length; t++) {
      learned[t + 1] = y[t] >= 0;
      assertThat(y[t] < 0 || y[t] == ids[t + 1]).isTrue();
    }
    assertThat(whole(List.of(new TokenExample(ids, learned))))
        .isCloseTo(floats("turns/loss")[0], within(1e-5));
  }

  @Test
  void promptsCountWhereTheyAreLearnedToo() {
    int[] y = ints("whole/y");
    List<TokenExample> all = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      int[] ids = examples.get(i).ids();
      boolean[] learned = new boolean[ids.length];
      for (int t = 1; t < ids.length; t++) {
        learned[t] = y[i * CONTEXT + t - 1] >= 0;
      }
      all.add(new TokenExample(ids, learned));
    }
    assertThat(whole(all)).isCloseTo(floats("whole/loss")[0], within(1e-5));
  }

  @Test
  void widerBatchesHaveShapesOfTheirOwnAndTheSameLossByExample() {
    int[] longIds = new int[26];
    Arrays.setAll(longIds, i -> 2 + i % 50);
    TokenExample wide =
        TokenExample.of(Arrays.copyOf(longIds, 20), Arrays.copyOfRange(longIds, 20, 26));
    TokenExample narrow = examples.getFirst();
    double expected =
        (whole(List.of(wide)) * wide.targets() + whole(List.of(narrow)) * narrow.targets())
            / (wide.targets() + narrow.targets());
    Objective objective = objective(List.of(wide, narrow), 1, 2);
    assertThat(objective.shape(0, 0)).isNotEqualTo(objective.shape(0, 1));
    assertThat(new LossEstimator(backend, objective, activations).whole(Split.TRAIN))
        .isCloseTo(expected, within(1e-6));
    TrainConfig config = CONFIG.withAll(Map.of("gradientAccumulationSteps", 2, "gradClip", 0));
    try (Training training = new Training(model, config, objective)) {
      assertThat(training.step().run(0, 0)).isCloseTo(expected, within(1e-5));
    }
  }

  @Test
  void everyEpochSeesEachExampleOnceInAnOrderOfItsOwn() {
    Objective objective = objective(1, 1);
    var inputs = objective.allocate(state, objective.shape(0, 0));
    List<List<Integer>> epochs = new ArrayList<>();
    for (int epoch = 0; epoch < 4; epoch++) {
      List<Integer> weights = new ArrayList<>();
      for (int i = 0; i < examples.size(); i++) {
        weights.add(objective.fill(inputs, epoch * examples.size() + i, 0));
      }
      epochs.add(weights);
      assertThat(weights).containsExactlyInAnyOrder(5, 1, 3, 6, 0);
    }
    assertThat(epochs.stream().distinct().count()).isGreaterThan(1);
  }

  private double whole(List<TokenExample> all) {
    Objective objective = objective(all, all.size(), 1);
    return new LossEstimator(backend, objective, activations).whole(Split.TRAIN);
  }

  private Objective objective(int batchSize, int microSteps) {
    return objective(examples, batchSize, microSteps);
  }

  private Objective objective(List<TokenExample> all, int batchSize, int microSteps) {
    AnswerBatches train = new AnswerBatches(all, batchSize, 32, 1);
    return new AnswerPrediction(model, train, train, microSteps);
  }

  private int[] ints(String name) {
    return fixture.entry(name).data().toArray(ValueLayout.JAVA_INT_UNALIGNED);
  }

  private float[] floats(String name) {
    float[] values = new float[(int) fixture.entry(name).size()];
    fixture.entry(name).readFloats(values, 0);
    return values;
  }
}

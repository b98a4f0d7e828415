package jambic.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import jambic.model.Model;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.AlignmentFixture;
import jambic.train.example.TokenPair;
import jambic.train.policy.GrpoLoss;
import jambic.train.policy.PpoLoss;
import jambic.train.preference.PreferenceLoss;
import jambic.train.preference.Ranking;
import jambic.train.preference.RewardModeling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Losses that are computed on the host and their gradients in the models, against PyTorch and TRL
 * in 64 bits.
 */
class RowPassParityTest {
  private static final int CONTEXT = 32;
  private static final double LOSS = 1e-5;
  private static final GptConfig BODY =
      new GptConfig(
          61, CONTEXT, 2, 4, 32, 0, 0, Activation.GELU_TANH, true, true, true, false, 1e-5f);

  private final Backend backend = Backends.open("cpu", 2);
  private final Region region = backend.region();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
    region.close();
    backend.close();
  }

  private <C extends AutoCloseable> C opened(C one) {
    open.add(one);
    return one;
  }

  private AlignmentFixture fixture(String name) {
    return opened(AlignmentFixture.ofModels(name));
  }

  private Gpt gpt(String name) {
    Gpt model = opened(new Gpt(backend, BODY));
    fill(model, name);
    return model;
  }

  private GptClassifier value() {
    ClassifierConfig config = new ClassifierConfig(BODY, List.of("value"), ClassifierConfig.NO_PAD);
    GptClassifier model = opened(new GptClassifier(backend, config));
    fill(model, "value");
    return model;
  }

  private void fill(Model model, String name) {
    AlignmentFixture models = fixture("models");
    model
        .parameters()
        .byName()
        .forEach((parameter, tensor) -> tensor.set(models.floats(name + "/" + parameter)));
  }

  private RowPass trained(Model model, RowPass.Head head) {
    model.parameters().train(region);
    return new RowPass(backend, opened(backend.region()), head, true);
  }

  private double[] forwardOnly(Model model, RowPass.Head head, RowBatch batch) {
    try (Region activations = backend.region()) {
      return new RowPass(model.backend(), activations, head, false).forward(batch);
    }
  }

  /** The gradients that a backward pass adds, by parameter. */
  private static Map<String, float[]> gradients(Model model, RowPass pass, double[] gradient) {
    List<Tensor> parameters = model.parameters().tensors();
    parameters.forEach(p -> p.grad().set(new float[Math.toIntExact(p.size())]));
    pass.backward(gradient);
    Map<String, float[]> gradients = new LinkedHashMap<>();
    model.parameters().byName().forEach((name, p) -> gradients.put(name, p.grad().toFloats()));
    return gradients;
  }

  private static void requireGradients(
      Map<String, float[]> actual, AlignmentFixture fixture, String prefix) {
    actual.forEach((name, values) -> requireClose(name, values, fixture.floats(prefix + name)));
  }

  private static void requireClose(String name, float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("%s[%d]", name, i)
          .isCloseTo(expected[i], within(1e-5f + 1e-4f * Math.abs(expected[i])));
    }
  }

  private static void requireClose(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i])
          .as("[%d]", i)
          .isCloseTo(expected[i], within(1e-5 + 1e-4 * Math.abs(expected[i])));
    }
  }

  private static RowBatch answers(AlignmentFixture fixture) {
    int[] lengths = fixture.ints("lengths");
    int[] prompts = fixture.ints("prompt_lengths");
    return RowBatch.answers(
        fixture.sequences(""),
        IntStream.range(0, lengths.length).map(i -> lengths[i] - prompts[i]).toArray(),
        CONTEXT);
  }

  @ParameterizedTest
  @EnumSource(PreferenceLoss.Kind.class)
  void dpoHasTrlsSumsLossesAndGradients(PreferenceLoss.Kind kind) {
    AlignmentFixture dpo = fixture("dpo");
    RowBatch batch = answers(dpo);
    Gpt policy = gpt("policy");
    Gpt reference = gpt("reference");
    double[] referenceSums =
        batch.sums(forwardOnly(reference, RowPass.Head.logProbs(reference, 1), batch));
    RowPass pass = trained(policy, RowPass.Head.logProbs(policy, 1));
    double[] sums = batch.sums(pass.forward(batch));
    requireClose(sums, dpo.doubles("policy_logps"));
    requireClose(referenceSums, dpo.doubles("reference_logps"));
    boolean smooth = kind == PreferenceLoss.Kind.ROBUST || kind == PreferenceLoss.Kind.CONSERVATIVE;
    double[] bySum = new double[sums.length];
    var result =
        new PreferenceLoss(kind, 0.1, smooth ? 0.1 : 0)
            .loss(sums, referenceSums, dpo.ints("completion_tokens"), bySum);
    String name = kind.name().toLowerCase(Locale.ROOT);
    assertThat(result.loss()).isCloseTo(dpo.scalar("loss/" + name), within(LOSS));
    if (List.of("sigmoid", "ipo", "robust").contains(name)) {
      double[] gradient = new double[batch.count()];
      for (int i = 0; i < bySum.length; i++) {
        Arrays.fill(gradient, batch.rows().start(i), batch.rows().end(i), bySum[i]);
      }
      requireGradients(gradients(policy, pass, gradient), dpo, "grad/" + name + "/");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.0", "0.7"})
  void logProbabilitiesAreThoseAtTheTemperature(String temperature) {
    AlignmentFixture rl = fixture("rl");
    RowBatch batch = answers(rl);
    float t = Float.parseFloat(temperature);
    for (String model : List.of("policy", "reference")) {
      Gpt gpt = gpt(model);
      String name = "t" + temperature + (model.equals("policy") ? "/logps" : "/reference_logps");
      RowPass.Head head = RowPass.Head.logProbs(gpt, t);
      requireClose(forwardOnly(gpt, head, batch), rl.counted(name));
      requireClose(trained(gpt, head).forward(batch), rl.counted(name));
    }
  }

  @Test
  void ppoHasThePolicysLossAndGradients() {
    AlignmentFixture rl = fixture("rl");
    RowBatch batch = answers(rl);
    Gpt policy = gpt("policy");
    RowPass pass = trained(policy, RowPass.Head.logProbs(policy, 1));
    double[] gradient = new double[batch.count()];
    double[] logProbs = pass.forward(batch);
    requireClose(logProbs, rl.counted("ppo/logps"));
    PpoLoss.Policy result =
        new PpoLoss(0.2, 0.2)
            .policy(logProbs, rl.counted("ppo/old_logps"), rl.counted("ppo/advantages"), gradient);
    assertThat(result.loss()).isCloseTo(rl.scalar("ppo/policy_loss"), within(LOSS));
    assertThat(result.clipFraction()).isCloseTo(rl.scalar("ppo/policy_clipfrac"), within(LOSS));
    assertThat(result.approxKl()).isCloseTo(rl.scalar("ppo/approxkl"), within(LOSS));
    requireGradients(gradients(policy, pass, gradient), rl, "ppo/grad/policy/");
  }

  @Test
  void ppoHasTheValuesLossAndGradients() {
    AlignmentFixture rl = fixture("rl");
    RowBatch batch = answers(rl);
    GptClassifier value = value();
    RowPass pass = trained(value, RowPass.Head.scores(value));
    double[] gradient = new double[batch.count()];
    double[] values = pass.forward(batch);
    requireClose(values, rl.counted("ppo/values"));
    PpoLoss.Value result =
        new PpoLoss(0.2, 0.2)
            .value(values, rl.counted("ppo/old_values"), rl.counted("ppo/returns"), gradient);
    assertThat(result.loss()).isCloseTo(rl.scalar("ppo/value_loss"), within(LOSS));
    assertThat(result.clipFraction()).isCloseTo(rl.scalar("ppo/value_clipfrac"), within(LOSS));
    requireGradients(gradients(value, pass, gradient), rl, "ppo/grad/value/");
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpo", "dr_grpo", "dapo", "dapo_kl_weighted"})
  void grpoHasTrlsLossesAndGradients(String name) {
    AlignmentFixture grpo = fixture("grpo");
    RowBatch batch = answers(grpo);
    Gpt policy = gpt("policy");
    RowPass pass = trained(policy, RowPass.Head.logProbs(policy, 1));
    boolean weighted = name.endsWith("_kl_weighted");
    GrpoLoss.Kind kind =
        GrpoLoss.Kind.valueOf(name.replace("_kl_weighted", "").toUpperCase(Locale.ROOT));
    double[] gradient = new double[batch.count()];
    double[] logProbs = pass.forward(batch);
    requireClose(logProbs, grpo.counted("logps"));
    GrpoLoss.Result result =
        new GrpoLoss(kind, 0.2, 0.28, weighted ? 0.04 : 0, true, 8)
            .loss(
                batch.rows(),
                logProbs,
                grpo.counted("old_logps"),
                weighted ? grpo.counted("reference_logps") : new double[0],
                grpo.doubles("advantages"),
                gradient);
    assertThat(result.loss()).isCloseTo(grpo.scalar("loss/" + name), within(LOSS));
    requireGradients(gradients(policy, pass, gradient), grpo, "grad/" + name + "/");
  }

  private Ranking ranking(List<int[]> answers, Ranking.Pair... pairs) {
    return new Ranking(new int[0], answers, List.of(pairs));
  }

  /** The loss and gradients that a stage's own objective gives. */
  private RowObjective.Outcome reward(
      List<Ranking> things, double centring, double[] scores, AlignmentFixture f, String prefix) {
    GptClassifier model = opened(GptClassifier.load(AlignmentFixture.resource("reward"), backend));
    RowPass pass = trained(model, RowPass.Head.scores(model));
    RewardModeling objective = new RewardModeling(centring, CONTEXT);
    RowBatch batch = objective.batch(things);
    double[] actual = pass.forward(batch);
    requireClose(actual, scores);
    double[] gradient = new double[batch.count()];
    RowObjective.Outcome outcome = objective.loss(things, batch, actual, gradient);
    gradients(model, pass, gradient)
        .forEach((name, values) -> {
          String theirs = (name.startsWith("score") ? "" : "transformer.") + name;
          float[] expected = f.floats(prefix + theirs);
          if (name.matches(".*\\.c_(attn|proj|fc)\\.weight")) { // theirs are (in, out)
            int in = name.endsWith("mlp.c_proj.weight") ? 128 : 32;
            expected = transposed(expected, in, expected.length / in);
          }
          requireClose(name, values, expected);
        });
    return outcome;
  }

  private static float[] transposed(float[] matrix, int rows, int columns) {
    float[] transposed = new float[matrix.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        transposed[j * rows + i] = matrix[i * columns + j];
      }
    }
    return transposed;
  }

  @ParameterizedTest
  @CsvSource({"0, loss, grad/", "0.01, loss_centred, grad_centred/"})
  void rewardModelsHaveTransformersScoresAndTrlsLoss(
      double centring, String loss, String gradients) {
    AlignmentFixture expected = fixture("reward/expected");
    List<int[]> sequences = expected.sequences("");
    List<Ranking> things = new ArrayList<>();
    double[] scores = expected.doubles("scores");
    double[] ours = new double[8]; // chosen and rejected of a pair side by side
    for (int i = 0; i < 4; i++) {
      things.add(
          ranking(List.of(sequences.get(i), sequences.get(4 + i)), new Ranking.Pair(0, 1, 0)));
      ours[2 * i] = scores[i];
      ours[2 * i + 1] = scores[4 + i];
    }
    RowObjective.Outcome outcome = reward(things, centring, ours, expected, gradients);
    assertThat(outcome.loss()).isCloseTo(expected.scalar(loss), within(LOSS));
  }

  @Test
  void marginsOfRowsMakeTrlsLoss() {
    AlignmentFixture expected = fixture("reward/expected");
    double[] margins = expected.doubles("margin");
    double[] scores = expected.doubles("scores");
    List<TokenPair> pairs = new ArrayList<>();
    double[] ours = new double[8]; // chosen and rejected of a pair side by side
    for (int i = 0; i < 4; i++) {
      pairs.add(new TokenPair(new int[] {i}, new int[] {5}, new int[] {6}, margins[i]));
      ours[2 * i] = scores[i];
      ours[2 * i + 1] = scores[4 + i];
    }
    RewardModeling objective = new RewardModeling(0, CONTEXT);
    List<Ranking> things = Ranking.of(pairs);
    assertThat(objective.loss(things, objective.batch(things), ours, new double[8]).loss())
        .isCloseTo(expected.scalar("loss_margin"), within(LOSS));
    assertThat(Math.abs(expected.scalar("loss_margin") - expected.scalar("loss")))
        .isGreaterThan(0.01);
  }

  @Test
  void pairsOfAPromptKeepTheirMargins() {
    int[] prompt = {2};
    List<Ranking> rankings =
        Ranking.of(
            List.of(
                new TokenPair(prompt, new int[] {3}, new int[] {4}, 1.5),
                new TokenPair(prompt, new int[] {5}, new int[] {3}, 0)));
    assertThat(rankings).hasSize(1);
    assertThat(rankings.getFirst().pairs())
        .containsExactly(new Ranking.Pair(0, 1, 1.5), new Ranking.Pair(2, 0, 0));
  }

  @Test
  void allPairsOfARankingAreOneElement() {
    AlignmentFixture expected = fixture("reward/expected");
    List<Ranking.Pair> pairs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      for (int j = i + 1; j < 4; j++) {
        pairs.add(new Ranking.Pair(i, j, 0));
      }
    }
    List<Ranking> things =
        List.of(ranking(expected.sequences("rank/"), pairs.toArray(new Ranking.Pair[0])));
    RowObjective.Outcome outcome =
        reward(things, 0, expected.doubles("rank/scores"), expected, "rank/grad/");
    assertThat(outcome.loss()).isCloseTo(expected.scalar("rank/loss"), within(LOSS));
  }

  @Test
  void otherBatchesBetweenDoNotChangeAGradient() {
    AlignmentFixture dpo = fixture("dpo");
    RowBatch batch = answers(dpo);
    RowBatch other =
        RowBatch.answers(
            List.of(IntStream.range(2, 30).toArray(), new int[] {3, 1}), new int[] {9, 1}, CONTEXT);
    Gpt policy = gpt("policy");
    RowPass pass = trained(policy, RowPass.Head.logProbs(policy, 1));
    double[] gradient = new double[batch.count()];
    Arrays.setAll(gradient, i -> Math.cos(i));
    pass.forward(batch);
    Map<String, float[]> first = gradients(policy, pass, gradient);
    pass.forward(other);
    pass.backward(new double[other.count()]);
    double[] before = pass.forward(batch);
    Map<String, float[]> again = gradients(policy, pass, gradient);
    assertThat(again).usingRecursiveComparison().isEqualTo(first);
    pass.forward(other);
    assertThat(pass.forward(batch)).isEqualTo(before);
  }
}

package jambic.train.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.gpt.Gpt;
import jambic.model.nn.Initializer;
import jambic.tensor.JambicException;
import jambic.train.config.FlatRecord;
import jambic.train.example.TokenPrompt;
import jambic.train.optim.Moment;
import jambic.train.preference.Dpo;
import jambic.train.preference.DpoConfig;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.stage.StageWork;
import jambic.train.stage.Toy;
import jambic.train.stage.ValueModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies begin where their reference is, and learn what is rewarded. */
class PolicyLearningTest {
  private static final RunListener QUIET = new RunListener() {};
  private static final BooleanSupplier NEVER = () -> false;

  /** Rates so low that nothing is clipped. */
  private static final Map<String, Object> SLOW =
      Map.of("learningRate", 1e-9, "minLr", 0, "valueLearningRate", 1e-9);

  private static final Map<String, Object> ADAPTERS =
      Map.of("loraRank", 2, "loraTargets", "c_attn,c_proj");

  @TempDir Path temp;
  private final Toy toy = new Toy(2);

  @AfterEach
  void close() throws Exception {
    toy.close();
  }

  private static PpoConfig ppo(PpoConfig base, Map<String, Object> changes) {
    return FlatRecord.with(PpoConfig.class, base, changes);
  }

  private static GrpoConfig grpo(GrpoConfig base, Map<String, Object> changes) {
    return FlatRecord.with(GrpoConfig.class, base, changes);
  }

  private static Metrics.Step step(StageWork work, int iteration) {
    return work.iterate(iteration, NEVER).orElseThrow();
  }

  private static double evaluated(StageWork work, String name) {
    return work.evaluate(0, QUIET, NEVER).orElseThrow().others().get("eval_" + name);
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "4, 1, 1", "4, 2, 1", "2, 1, 0.7"})
  void theFirstRatioOfPpoIsExactlyOneAndTheDistanceZero(
      int miniBatches, int epochs, double temperature) {
    PpoConfig config =
        ppo(
            ppo(Toy.PPO, SLOW),
            Map.of(
                "numMiniBatches", miniBatches,
                "numPpoEpochs", epochs,
                "temperature", temperature));
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    assertThat(evaluated(work, "kl")).isCloseTo(0, within(1e-6));
    Map<String, Double> numbers = step(work, 0).others();
    assertThat(numbers.get("val/ratio_first")).isEqualTo(1.0);
    assertThat(numbers.get("policy/clipfrac_avg")).isZero();
    assertThat(numbers.get("objective/kl")).isCloseTo(0, within(1e-6));
    assertThat(numbers.get("objective/kl_coef")).isEqualTo(config.klCoef());
  }

  @Test
  void aValueHeadOnThePolicysBodyLearnsAndItsLossTrainsThatBody() {
    PpoConfig config = ppo(Toy.PPO, Map.of("shareValue", true, "decayLr", false));
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    double before = evaluated(work, "score");
    List<Double> losses = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Map<String, Double> numbers = step(work, i).others();
      assertThat(numbers.get("val/ratio_first")).isEqualTo(1.0);
      losses.add(numbers.get("loss/value_avg"));
    }
    assertThat(evaluated(work, "score")).isGreaterThan(before + 0.2);
    assertThat(losses.getLast()).isLessThan(losses.getFirst());
    assertThat(work.moments().keySet().stream().filter(name -> name.startsWith("value.w.")))
        .containsExactly("value.w.score.weight");
    Gpt other = toy.opened(toy.gpt(0));
    PpoConfig unweighted = ppo(config, Map.of("vfCoef", 0.0));
    PpoWork without = toy.opened(toy.ppo(other, toy.gpt(0), unweighted, Toy.MANY_B));
    step(without, 0);
    Gpt one = toy.opened(toy.gpt(0));
    step(toy.opened(toy.ppo(one, toy.gpt(0), config, Toy.MANY_B)), 0);
    assertThat(one.parameters().get("wpe.weight").toFloats())
        .isNotEqualTo(other.parameters().get("wpe.weight").toFloats());
  }

  @Test
  void pretrainingTextThatIsMixedInIsLearnedBeside() {
    PpoConfig config = ppo(Toy.PPO, Map.of("ptxCoef", 5.0, "ptxBatchSize", 4, "decayLr", false));
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    double first = step(work, 0).others().get("loss/ptx_avg");
    double last = first;
    for (int i = 1; i < 30; i++) {
      Map<String, Double> numbers = step(work, i).others();
      assertThat(numbers.get("val/ratio_first")).isEqualTo(1.0);
      last = numbers.get("loss/ptx_avg");
    }
    assertThat(first).isGreaterThan(1.5);
    assertThat(last).isLessThan(0.5 * first);
  }

  @Test
  void pretrainingTextAndItsCoefficientBelongTogether() {
    PpoConfig config = ppo(Toy.PPO, Map.of("ptxCoef", 1.0));
    Gpt policy = toy.opened(toy.gpt(0));
    assertThatThrownBy(() ->
            new PpoWork(
                policy,
                toy.opened(toy.gpt(0)),
                toy.opened(ValueModel.of(toy.classifier("value", 0))),
                toy.opened(AnswerScorer.of(Toy.MANY_B, Toy.TOKENIZER)),
                config,
                Toy.prompts(),
                Optional.empty()))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "ptxCoef (1.0) and the text that it weights belong together; give both or none");
  }

  @Test
  void theFirstRatioIsOneInEveryIterationHoweverFarThePolicyHasGone() {
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), Toy.PPO, Toy.MANY_B));
    for (int i = 0; i < 6; i++) {
      Map<String, Double> numbers = step(work, i).others();
      assertThat(numbers.get("val/ratio_first")).isEqualTo(1.0);
      assertThat(numbers.get("val/ratio")).isNotEqualTo(1.0);
    }
    assertThat(evaluated(work, "kl")).isGreaterThan(1e-3);
  }

  @Test
  void theCoefficientThatIsLoggedIsTheOneThatCountedAndItAdapts() {
    PpoConfig config = ppo(Toy.PPO, SLOW); // the distance stays 0, below the target
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    assertThat(step(work, 0).others().get("objective/kl_coef")).isEqualTo(0.05);
    assertThat(step(work, 1).others().get("objective/kl_coef"))
        .isCloseTo(0.05 * (1 - 0.2 * 8 / 20), within(1e-12));
  }

  @Test
  void adaptersBeginAtTheReferenceAndLeaveTheirBaseAsItIs() {
    PpoConfig config = ppo(Toy.PPO, ADAPTERS);
    Gpt policy = toy.opened(toy.adapted(temp, config));
    Map<String, float[]> before = Toy.weights(policy);
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    assertThat(evaluated(work, "kl")).isCloseTo(0, within(1e-6));
    Map<String, Double> numbers = step(work, 0).others();
    assertThat(numbers.get("val/ratio_first")).isEqualTo(1.0);
    assertThat(numbers.get("objective/kl")).isCloseTo(0, within(1e-6));
    step(work, 1);
    assertThat(Math.abs(evaluated(work, "kl"))).isGreaterThan(1e-6);
    assertThat(Toy.weights(policy)).usingRecursiveComparison().isEqualTo(before);
    policy
        .adapters()
        .byName()
        .forEach((name, tensor) ->
            assertThat(tensor.toFloats())
                .as(name)
                .isNotEqualTo(new float[Math.toIntExact(tensor.size())]));
  }

  @Test
  void adaptersOfGrpoAndDpoBeginAtTheReference() {
    GrpoConfig config = grpo(grpo(Toy.GRPO, ADAPTERS), Map.of("numIterations", 1));
    Gpt policy = toy.opened(toy.adapted(temp, config));
    GrpoWork work = toy.opened(toy.grpo(policy, toy.gpt(0), config));
    assertThat(evaluated(work, "kl")).isCloseTo(0, within(1e-6));
    DpoConfig pairs = FlatRecord.with(DpoConfig.class, Toy.DPO, ADAPTERS);
    Gpt held = toy.opened(toy.adapted(temp.resolve("dpo"), pairs));
    try (Gpt reference = toy.gpt(0)) {
      StageWork dpo =
          toy.opened(Dpo.work(held, reference, pairs, Toy.pairs(), Toy.pairs(), Toy.CONTEXT));
      Metrics.Evaluation start = dpo.evaluate(0, QUIET, NEVER).orElseThrow();
      assertThat(start.valLoss()).isCloseTo(Math.log(2), within(1e-6));
      assertThat(start.others().get("eval_rewards/margins")).isCloseTo(0, within(1e-6));
    }
  }

  private static double mean(StageWork work, String name, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += step(work, i).others().get(name);
    }
    return sum / (to - from);
  }

  @Test
  void ppoLearnsWhatIsRewarded() {
    PpoConfig config =
        ppo(
            Toy.PPO,
            Map.of(
                "batchSize",
                16,
                "klTarget",
                0,
                "decayLr",
                false,
                "missingEosPenalty",
                0.0,
                "learningRate",
                5e-3));
    Gpt policy = toy.opened(toy.gpt(0));
    PpoWork work = toy.opened(toy.ppo(policy, toy.gpt(0), config, Toy.MANY_B));
    assertThat(mean(work, "objective/scores", 0, 3)).isBetween(0.0, 0.25);
    mean(work, "objective/scores", 3, 25);
    assertThat(mean(work, "objective/scores", 25, 30)).isGreaterThan(0.6);
    assertThat(evaluated(work, "score")).isGreaterThan(0.6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpo", "dr-grpo", "dapo"})
  void grpoLearnsWhatIsRewarded(String kind) {
    GrpoConfig config =
        grpo(
            Toy.GRPO,
            Map.of("lossType", kind, "beta", 0.0, "decayLr", false, "learningRate", 5e-3));
    Gpt policy = toy.opened(toy.gpt(0));
    GrpoWork work = toy.opened(toy.grpo(policy, toy.gpt(0), config));
    assertThat(mean(work, "reward", 0, 3)).isBetween(0.0, 0.25);
    mean(work, "reward", 3, 25);
    assertThat(mean(work, "reward", 25, 30)).isGreaterThan(0.6);
  }

  @Test
  void anIterationThatIsStoppedBeforeItsFirstUpdateChangesNothing() {
    Gpt policy = toy.opened(toy.gpt(0));
    GrpoWork grpo = toy.opened(toy.grpo(policy, toy.gpt(0), Toy.GRPO));
    requireUnchanged(policy, grpo, grpo);
    Gpt other = toy.opened(toy.gpt(0));
    PpoWork ppo = toy.opened(toy.ppo(other, toy.gpt(0), Toy.PPO, Toy.MANY_B));
    requireUnchanged(other, ppo, ppo);
  }

  private static void requireUnchanged(Gpt policy, StageWork work, StageWork same) {
    step(work, 0);
    Map<String, float[]> weights = Toy.weights(policy);
    List<float[]> moments = floats(work);
    for (int call = 1; ; call++) {
      AtomicInteger left = new AtomicInteger(call);
      if (same.iterate(1, () -> left.decrementAndGet() <= 0).isPresent()) {
        assertThat(call).isGreaterThan(4); // asked at every token, and before the updates
        break;
      }
      assertThat(Toy.weights(policy)).usingRecursiveComparison().isEqualTo(weights);
      assertThat(floats(work)).usingRecursiveComparison().isEqualTo(moments);
    }
    assertThat(Toy.weights(policy)).usingRecursiveComparison().isNotEqualTo(weights);
  }

  private static List<float[]> floats(StageWork work) {
    return work.moments().values().stream().map(Moment::values).toList();
  }

  @Test
  void answersAreDrawnByTheWeightsOfNow() {
    List<TokenPrompt> prompts = Toy.prompts().train();
    Gpt model = toy.opened(toy.gpt(0));
    Rollouts rollouts = toy.opened(new Rollouts(model, Toy.CONTEXT, 6, Toy.prompts()::end));
    List<Rollout> before = rollouts.draw(prompts, 1, 3, 0, NEVER).orElseThrow();
    new Initializer(0.5f, true, 99).apply(model.parameters(), 2);
    List<Rollout> after = rollouts.draw(prompts, 1, 3, 0, NEVER).orElseThrow();
    Rollouts fresh = toy.opened(new Rollouts(model, Toy.CONTEXT, 6, Toy.prompts()::end));
    List<Rollout> expected = fresh.draw(prompts, 1, 3, 0, NEVER).orElseThrow();
    assertThat(after).usingRecursiveComparison().isEqualTo(expected).isNotEqualTo(before);
  }

  @Test
  void aDrawThatIsStoppedLeavesNothingForTheNext() {
    List<TokenPrompt> prompts = Toy.prompts().train();
    Gpt model = toy.opened(toy.gpt(0));
    Rollouts rollouts = toy.opened(new Rollouts(model, Toy.CONTEXT, 6, Toy.prompts()::end));
    List<Rollout> whole = rollouts.draw(prompts, 1, 3, 0, NEVER).orElseThrow();
    AtomicInteger left = new AtomicInteger(3);
    assertThat(rollouts.draw(prompts, 1, 3, 0, () -> left.decrementAndGet() == 0)).isEmpty();
    List<Rollout> again = rollouts.draw(prompts, 1, 3, 0, NEVER).orElseThrow();
    assertThat(again).usingRecursiveComparison().isEqualTo(whole);
    List<Rollout> others = rollouts.draw(prompts, 1, 3, 1, NEVER).orElseThrow();
    assertThat(others).usingRecursiveComparison().isNotEqualTo(whole);
    for (Rollout one : whole) {
      assertThat(one.answer()).hasSizeBetween(1, 6);
      assertThat(one.ended()).isEqualTo(one.answer()[one.answer().length - 1] == 9);
      assertThat(Arrays.stream(one.words())).doesNotContain(9);
    }
  }

  @Test
  void promptsWithoutRoomForAnAnswerAreRefusedAndOneTokenIsRoom() {
    PolicyData data = Toy.prompts();
    TokenPrompt first = data.train().getFirst();
    assertThatThrownBy(
            () -> new PolicyData(data.train(), List.of(first), Toy.TOKENIZER, Toy.ENCODER, 2))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a prompt of 2 tokens leaves no room for an answer in 2, or is empty; leave it out");
    assertThatThrownBy(() -> new PolicyData(List.of(), List.of(), Toy.TOKENIZER, Toy.ENCODER, 2))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("there are no prompts");
    assertThat(data.longest(5)).isEqualTo(7);
    assertThat(data.longest(Integer.MAX_VALUE)).isEqualTo(Toy.CONTEXT);
    Gpt model = toy.opened(toy.gpt(0));
    Rollouts rollouts = toy.opened(new Rollouts(model, 3, 6, data::end));
    for (Rollout one : rollouts.draw(data.train(), 1, 3, 0, NEVER).orElseThrow()) {
      assertThat(one.answer()).hasSize(1);
    }
  }

  @Test
  void withoutPromptsToMeasureWithOnlyTheStepsAreTold() {
    PolicyData data = Toy.prompts();
    PolicyData unmeasured =
        new PolicyData(data.train(), List.of(), Toy.TOKENIZER, Toy.ENCODER, Toy.CONTEXT);
    Gpt policy = toy.opened(toy.gpt(0));
    GrpoWork work =
        toy.opened(
            new GrpoWork(
                policy,
                toy.gpt(0),
                AnswerScorer.of(Toy.MANY_B, Toy.TOKENIZER),
                Toy.GRPO,
                unmeasured));
    assertThat(work.evaluate(3, QUIET, NEVER).orElseThrow().others()).isEmpty();
  }

  @Test
  void rewardsThatAreNoNumbersOrTooFewAreRefused() {
    requireRefused(
        answers -> new double[answers.size() - 1],
        "the reward gave 7 scores for 8 answers; it must give one for each");
    requireRefused(
        answers -> {
          double[] scores = new double[answers.size()];
          scores[2] = Double.NaN;
          return scores;
        },
        "the reward of answer 3 of 8 is NaN; a reward must be a finite number");
  }

  private void requireRefused(Reward reward, String message) {
    try (Gpt policy = toy.gpt(0);
        PpoWork work = toy.ppo(policy, toy.gpt(0), Toy.PPO, reward)) {
      assertThatThrownBy(() -> work.iterate(0, NEVER))
          .isInstanceOf(JambicException.class)
          .hasMessage(message);
      assertThatThrownBy(() -> work.evaluate(0, QUIET, NEVER))
          .isInstanceOf(JambicException.class)
          .hasMessage(message);
    }
  }

  @Test
  void aModelThatDropsIsRefused() {
    try (Gpt policy = toy.gpt(0.1f);
        Gpt reference = toy.gpt(0)) {
      assertThatThrownBy(
              () -> Dpo.work(policy, reference, Toy.DPO, Toy.pairs(), Toy.pairs(), Toy.CONTEXT))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("dropout");
    }
  }
}

package jambic.train.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.tensor.JambicException;
import jambic.train.config.FlatRecord;
import jambic.train.example.TokenJudged;
import jambic.train.example.TokenPair;
import jambic.train.policy.AnswerScorer;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import jambic.train.stage.Toy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models learn which of two answers is better, and scores get a mean and a spread. */
class PreferenceStagesTest {
  private static final BooleanSupplier NEVER = () -> false;
  private static final Map<String, Object> STEADY =
      Map.of("decayLr", false, "learningRate", 5e-3, "gradientAccumulationSteps", 1);

  @TempDir Path temp;
  private final Toy toy = new Toy(2);

  @AfterEach
  void close() throws Exception {
    toy.close();
  }

  private static Metrics.Evaluation evaluated(StageWork work) {
    return work.evaluate(0, new RunListener() {}, NEVER).orElseThrow();
  }

  private static void train(StageWork work, int iterations) {
    for (int i = 0; i < iterations; i++) {
      work.iterate(i, NEVER);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"sigmoid", "ipo", "hinge", "robust", "conservative"})
  void dpoLearnsEveryPair(String kind) {
    boolean smooth = kind.equals("robust") || kind.equals("conservative");
    DpoConfig config =
        FlatRecord.with(
            DpoConfig.class,
            FlatRecord.with(DpoConfig.class, Toy.DPO, STEADY),
            Map.of("lossType", kind, "labelSmoothing", smooth ? 0.1 : 0.0));
    Gpt policy = toy.opened(toy.gpt(0));
    try (Gpt reference = toy.gpt(0)) {
      StageWork work =
          toy.opened(Dpo.work(policy, reference, config, Toy.pairs(), Toy.pairs(), Toy.CONTEXT));
      Metrics.Evaluation before = evaluated(work);
      train(work, 40);
      Metrics.Evaluation after = evaluated(work);
      assertThat(before.others().get("eval_rewards/margins")).isCloseTo(0, within(1e-6));
      assertThat(after.others().get("eval_rewards/accuracies")).isEqualTo(1.0);
      assertThat(after.others().get("eval_rewards/margins")).isGreaterThan(0.3);
      assertThat(after.valLoss()).isLessThan(before.valLoss());
    }
  }

  @Test
  void ktoLearnsWhichAnswersAreGood() {
    KtoConfig config = FlatRecord.with(KtoConfig.class, Toy.KTO, STEADY);
    Gpt policy = toy.opened(toy.gpt(0));
    try (Gpt reference = toy.gpt(0)) {
      StageWork work =
          toy.opened(Kto.work(policy, reference, config, Toy.judged(), Toy.judged(), Toy.CONTEXT));
      Metrics.Evaluation before = evaluated(work);
      assertThat(before.valLoss()).isCloseTo(0.5, within(1e-6)); // nothing has moved yet
      assertThat(before.others().get("eval_kl")).isCloseTo(0, within(1e-6));
      train(work, 60);
      Metrics.Evaluation after = evaluated(work);
      assertThat(after.valLoss()).isLessThan(before.valLoss());
      assertThat(after.others().get("eval_rewards/chosen"))
          .isGreaterThan(after.others().get("eval_rewards/rejected") + 0.3);
    }
  }

  @Test
  void ktoNeedsAnotherPromptsAnswerThatFits() {
    List<TokenJudged> one = Toy.judged().subList(0, 2); // both answers to one prompt
    try (Gpt reference = toy.gpt(0)) {
      Gpt policy = toy.opened(toy.gpt(0));
      assertThatThrownBy(() -> Kto.work(policy, reference, Toy.KTO, one, Toy.judged(), Toy.CONTEXT))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("no other prompt's answer fits behind the prompt of row 1 of 2");
    }
  }

  @Test
  void aRewardModelSeparatesEveryPair() {
    RewardConfig config = FlatRecord.with(RewardConfig.class, Toy.REWARD, STEADY);
    GptClassifier model = toy.opened(toy.classifier("reward", 0.1));
    List<Ranking> rankings = Ranking.of(Toy.pairs());
    StageWork work =
        toy.opened(RewardModeling.work(model, config, rankings, rankings, Toy.CONTEXT));
    train(work, 40);
    Metrics.Evaluation after = evaluated(work);
    assertThat(after.others().get("eval_accuracy")).isEqualTo(1.0);
    assertThat(after.others().get("eval_margin")).isGreaterThan(1);
    assertThat(after.valLoss()).isLessThan(0.3);
  }

  private static double[] scores(GptClassifier model, List<int[]> sequences) {
    RowPass pass =
        new RowPass(model.backend(), model.backend().region(), RowPass.Head.scores(model), false);
    return pass.forward(RowBatch.ends(sequences, Toy.CONTEXT));
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).average().orElseThrow();
  }

  @Test
  void aFoldedScaleMakesScoresOfMeanZeroAndStdOneThatAreStored() {
    GptClassifier model = toy.opened(toy.classifier("reward", 0.5));
    List<int[]> spread = new ArrayList<>();
    List<int[]> centred = new ArrayList<>();
    for (TokenPair pair : Toy.pairs()) {
      spread.add(joined(pair.prompt(), pair.chosen()));
      spread.add(joined(pair.prompt(), pair.rejected()));
      centred.add(joined(pair.prompt(), pair.chosen()));
    }
    double[] raw = scores(model, spread);
    RewardScale scale = RewardScale.of(model, centred, spread);
    assertThat(scale.mean()).isNotCloseTo(0, within(1e-2));
    assertThat(scale.foldInto(model)).isTrue();
    double[] scaled = scores(model, spread);
    for (int i = 0; i < raw.length; i++) {
      assertThat(scaled[i]).isCloseTo((raw[i] - scale.mean()) / scale.std(), within(1e-3));
    }
    assertThat(mean(scores(model, centred))).isCloseTo(0, within(1e-3));
    double center = mean(scaled);
    double variance = Arrays.stream(scaled).map(s -> (s - center) * (s - center)).sum();
    assertThat(Math.sqrt(variance / scaled.length)).isCloseTo(1, within(1e-3));
    Path folder = temp.resolve("reward");
    Checkpoint.save(GptClassifier.FORMAT, folder, model, Optional.of(Toy.TOKENIZER));
    try (GptClassifier loaded = GptClassifier.load(folder, toy.backend)) {
      assertThat(scores(loaded, spread)).isEqualTo(scaled);
    }
  }

  private static int[] joined(int[] first, int[] second) {
    return IntStream.concat(IntStream.of(first), IntStream.of(second)).toArray();
  }

  @Test
  void aHeadOfZerosStaysOneWhenItIsScaled() {
    GptClassifier model = toy.opened(toy.classifier("reward", 0));
    List<int[]> texts = List.of(new int[] {1, 2}, new int[] {3});
    assertThat(RewardScale.of(model, texts, texts).foldInto(model)).isFalse();
    assertThat(scores(model, texts)).containsOnly(0);
    assertThatThrownBy(() -> RewardScale.of(model, List.of(), texts))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("no answers");
  }

  @Test
  void aClassifierOfTwoLabelsIsNoRewardOrValueModel() {
    try (Gpt body = toy.gpt(0);
        GptClassifier two =
            GptClassifier.of(body, List.of("bad", "good"), ClassifierConfig.NO_PAD, 0.1, 1)) {
      String message = "a reward or value model has one label, and this classifier has 2";
      assertThatThrownBy(() -> AnswerScorer.of(two)).hasMessage(message);
      assertThatThrownBy(() ->
              RewardModeling.work(
                  two, Toy.REWARD, Ranking.of(Toy.pairs()), Ranking.of(Toy.pairs()), Toy.CONTEXT))
          .hasMessage(message);
    }
  }

  @Test
  void nothingToLearnFromOrToMeasureWithIsRefused() {
    GptClassifier model = toy.opened(toy.classifier("reward", 0.1));
    assertThatThrownBy(() ->
            RewardModeling.work(model, Toy.REWARD, Ranking.of(Toy.pairs()), List.of(), Toy.CONTEXT))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("none to measure with");
  }

  @Test
  void batchesHaveFewShapesAndLittlePadding() {
    Set<Integer> shapes = new HashSet<>();
    for (int rows = 1; rows <= 4096; rows++) {
      RowBatch batch = RowBatch.answers(List.of(new int[rows + 1]), new int[] {rows}, 4096);
      int padded = batch.shape().rows();
      assertThat(batch.count()).isEqualTo(rows);
      assertThat(padded).isBetween(rows, rows + Math.max(31, rows / 8));
      shapes.add(padded);
    }
    assertThat(shapes).hasSizeLessThan(50);
  }

  @Test
  void anEmptyOrTooLongSequenceIsRefused() {
    assertThatThrownBy(() -> RowBatch.ends(List.of(new int[] {1}, new int[0]), 4))
        .isInstanceOf(JambicException.class)
        .hasMessage("sequences have from 1 to 4 tokens to read, got 0");
    assertThatThrownBy(() -> RowBatch.ends(List.of(new int[5]), 4))
        .isInstanceOf(JambicException.class)
        .hasMessage("sequences have from 1 to 4 tokens to read, got 5");
    assertThat(RowBatch.answers(List.of(new int[5]), new int[] {1}, 4).count()).isEqualTo(1);
  }
}

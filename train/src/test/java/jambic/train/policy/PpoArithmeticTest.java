package jambic.train.policy;

import static jambic.train.AlignmentFixture.TOLERANCE;
import static jambic.train.AlignmentFixture.requireGradient;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.AlignmentFixture;
import jambic.train.stage.AnswerTokens;
import java.util.Locale;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What PPO is made of, against PyTorch's numbers: four answers, one of them its end alone. */
class PpoArithmeticTest {
  private static final Offset<Double> NEAR = within(TOLERANCE);
  private static final double CLIP = 0.2;

  private final AlignmentFixture fixture = new AlignmentFixture("rl");
  private final AnswerTokens answers = AnswerTokens.ofLengths(fixture.answerLengths());

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"t1.0", "t0.7"})
  void klEstimatesAreThoseByToken(String temperature) {
    double[] policy = fixture.counted(temperature + "/logps");
    double[] reference = fixture.counted(temperature + "/reference_logps");
    for (KlEstimate estimate : KlEstimate.values()) {
      String name = temperature + "/" + estimate.name().toLowerCase(Locale.ROOT);
      assertThat(estimate.of(policy, reference))
          .as(name)
          .containsExactly(fixture.counted(name), NEAR);
    }
  }

  @Test
  void klEstimatesHaveTheirDerivatives() {
    for (KlEstimate estimate : KlEstimate.values()) {
      double[] at = {-1.25};
      requireGradient(
          at, new double[] {estimate.derivative(at[0], -0.5)}, x -> estimate.of(x[0], -0.5));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 0.95, g1_l095", "0.99, 0.9, g099_l09", "1, 1, g1_l1", "1, 0, g1_l0"})
  void advantagesAndReturnsAreThoseOfGae(double gamma, double lambda, String name) {
    Gae.Estimate estimate =
        new Gae(gamma, lambda)
            .estimate(answers, fixture.counted("rewards"), fixture.counted("values"));
    assertThat(estimate.advantages())
        .containsExactly(fixture.counted("gae/" + name + "/advantages"), NEAR);
    assertThat(estimate.returns())
        .containsExactly(fixture.counted("gae/" + name + "/returns"), NEAR);
  }

  @Test
  void advantagesAreWhitenedByTheUnbiasedVariance() {
    double[] whitened = Whitening.FULL.of(fixture.counted("gae/g1_l095/advantages"));
    assertThat(whitened).containsExactly(fixture.counted("whitened/advantages"), NEAR);
    double[] biased = fixture.counted("whitened/advantages_biased");
    for (int i = 0; i < whitened.length; i++) {
      assertThat(whitened[i]).isNotCloseTo(biased[i], within(1e-4));
    }
  }

  @Test
  void rewardsAreWhitenedAroundTheirMean() {
    assertThat(Whitening.KEEP_MEAN.of(fixture.counted("rewards")))
        .containsExactly(fixture.counted("whitened/rewards_keep_mean"), NEAR);
  }

  @Test
  void whatHasNoSpreadIsWhitenedToZero() {
    assertThat(Whitening.FULL.of(new double[] {3})).containsExactly(0);
    assertThat(Whitening.FULL.of(new double[] {3, 3, 3})).containsExactly(0, 0, 0);
    assertThat(Whitening.KEEP_MEAN.of(new double[] {3})).containsExactly(3);
    assertThat(Whitening.FULL.of(new double[0])).isEmpty();
  }

  @Test
  void policyLossIsTheClippedOne() {
    double[] logProbs = fixture.counted("ppo/logps");
    double[] old = fixture.counted("ppo/old_logps");
    double[] advantages = fixture.counted("ppo/advantages");
    double[] gradient = new double[logProbs.length];
    PpoLoss ppo = new PpoLoss(CLIP, CLIP);
    PpoLoss.Policy policy = ppo.policy(logProbs, old, advantages, gradient);

    assertThat(policy.loss()).isCloseTo(fixture.scalar("ppo/policy_loss"), NEAR);
    assertThat(policy.clipFraction()).isCloseTo(fixture.scalar("ppo/policy_clipfrac"), NEAR);
    assertThat(policy.approxKl()).isCloseTo(fixture.scalar("ppo/approxkl"), NEAR);
    double ratios = 0;
    for (double ratio : fixture.counted("ppo/ratio")) {
      ratios += ratio;
    }
    assertThat(policy.meanRatio()).isCloseTo(ratios / logProbs.length, NEAR);
    requireGradient(logProbs, gradient, at -> ppo.policy(at, old, advantages, at.clone()).loss());
  }

  @Test
  void valueLossIsTheClippedOne() {
    double[] values = fixture.counted("ppo/values");
    double[] old = fixture.counted("ppo/old_values");
    double[] returns = fixture.counted("ppo/returns");
    double[] gradient = new double[values.length];
    PpoLoss ppo = new PpoLoss(CLIP, CLIP);
    PpoLoss.Value value = ppo.value(values, old, returns, gradient);

    assertThat(value.loss()).isCloseTo(fixture.scalar("ppo/value_loss"), NEAR);
    assertThat(value.clipFraction()).isCloseTo(fixture.scalar("ppo/value_clipfrac"), NEAR);
    requireGradient(values, gradient, at -> ppo.value(at, old, returns, at.clone()).loss());
  }

  @Test
  void withoutABoundValuesLearnEverywhere() {
    double[] gradient = new double[1];
    PpoLoss.Value value =
        new PpoLoss(CLIP, Double.POSITIVE_INFINITY)
            .value(new double[] {5}, new double[] {0}, new double[] {1}, gradient);
    assertThat(value).isEqualTo(new PpoLoss.Value(8, 0));
    assertThat(gradient).containsExactly(4);
  }

  @Test
  void aModelThatHasDivergedShowsInTheLoss() {
    double[] nan = {Double.NaN};
    PpoLoss ppo = new PpoLoss(CLIP, CLIP);
    assertThat(ppo.policy(nan, new double[1], new double[] {1}, new double[1]).loss()).isNaN();
    assertThat(ppo.value(nan, new double[1], new double[1], new double[1]).loss()).isNaN();
    assertThat(ppo.value(new double[1], nan, new double[1], new double[1]).loss()).isNaN();
  }

  @Test
  void theFirstMinibatchHasRatioOneToTheBit() {
    double[] old = fixture.counted("ppo/old_logps");
    double[] advantages = fixture.counted("ppo/advantages");
    double[] gradient = new double[old.length];
    PpoLoss.Policy policy = new PpoLoss(CLIP, CLIP).policy(old.clone(), old, advantages, gradient);

    assertThat((float) policy.meanRatio()).isEqualTo(1.0f);
    assertThat(policy.meanRatio()).isEqualTo(1.0);
    assertThat(policy.clipFraction()).isZero();
    assertThat(policy.approxKl()).isZero();
    for (int i = 0; i < old.length; i++) { // the plain policy gradient
      assertThat(gradient[i]).isEqualTo(-advantages[i] / old.length);
    }
  }

  @Test
  void valuesOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new Gae(1.1, 0.95))
        .isInstanceOf(JambicException.class)
        .hasMessage("gamma and lambda must be from 0 to 1, got 1.1 and 0.95");
    assertThatThrownBy(() -> new PpoLoss(0, 0.2))
        .isInstanceOf(JambicException.class)
        .hasMessage("the clip ranges must be above 0, got 0.0 and 0.2");
    assertThatThrownBy(() -> AnswerTokens.ofLengths(3, 0))
        .isInstanceOf(JambicException.class)
        .hasMessage("answer 2 of 2 has no token; an empty answer still has the one that ends it");
    assertThatThrownBy(() -> AnswerTokens.ofLengths())
        .isInstanceOf(JambicException.class)
        .hasMessage("there are no answers to learn from; give one or more");
  }

  @Test
  void arraysOfAnotherLengthAreRefused() {
    assertThatThrownBy(
            () -> new Gae(1, 1).estimate(answers, new double[3], fixture.counted("values")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("has 3 numbers where another has " + answers.tokens());
  }
}

package jambic.train.preference;

import static jambic.train.AlignmentFixture.TOLERANCE;
import static jambic.train.AlignmentFixture.requireGradient;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.AlignmentFixture;
import jambic.train.preference.PreferenceLoss.Kind;
import java.util.Arrays;
import java.util.Locale;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against PyTorch's numbers, which TRL's own DPOTrainer has confirmed. */
class PreferenceLossTest {
  private static final double BETA = 0.1;

  private final AlignmentFixture fixture = new AlignmentFixture("dpo");
  private final double[] policy = fixture.doubles("policy_logps");
  private final double[] reference = fixture.doubles("reference_logps");
  private final int[] tokens = fixture.ints("completion_tokens");

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest
  @EnumSource
  void lossAndGradient(Kind kind) {
    PreferenceLoss loss = loss(kind);
    double[] gradient = new double[policy.length];
    String name = "loss/" + kind.name().toLowerCase(Locale.ROOT);
    assertThat(loss.loss(policy, reference, tokens, gradient).loss())
        .isCloseTo(fixture.scalar(name), near(fixture.scalar(name)));
    requireGradient(policy, gradient, at -> loss.loss(at, reference, tokens, at.clone()).loss());
  }

  @ParameterizedTest
  @EnumSource
  void lossOfEachPairAlone(Kind kind) {
    double[] expected = fixture.doubles("loss_by_pair/" + kind.name().toLowerCase(Locale.ROOT));
    int n = expected.length;
    for (int i = 0; i < n; i++) {
      PreferenceLoss.Result result =
          loss(kind)
              .loss(
                  new double[] {policy[i], policy[n + i]},
                  new double[] {reference[i], reference[n + i]},
                  new int[] {tokens[i], tokens[n + i]},
                  new double[2]);
      assertThat(result.loss()).isCloseTo(expected[i], near(expected[i]));
    }
  }

  @Test
  void lengthDoesNotCountInIpo() {
    double loss = loss(Kind.IPO).loss(policy, reference, tokens, new double[6]).loss();
    assertThat(loss).isNotCloseTo(fixture.scalar("loss/ipo_summed"), within(1e-2));
    int[] ones = new int[tokens.length];
    Arrays.fill(ones, 1);
    double summed = loss(Kind.IPO).loss(policy, reference, ones, new double[6]).loss();
    double expected = fixture.scalar("loss/ipo_summed");
    assertThat(summed).isCloseTo(expected, near(expected));
  }

  @Test
  void zerosStandForNoReference() {
    double[] none = new double[policy.length];
    double loss = loss(Kind.SIGMOID).loss(policy, none, tokens, new double[6]).loss();
    double expected = fixture.scalar("loss/reference_free");
    assertThat(loss).isCloseTo(expected, near(expected));
    assertThat(loss).isNotCloseTo(fixture.scalar("loss/sigmoid"), within(1e-3));
  }

  @Test
  void rewardsAccuracyAndMargin() {
    PreferenceLoss.Result result =
        loss(Kind.SIGMOID).loss(policy, reference, tokens, new double[6]);
    double[] chosen = fixture.doubles("rewards_chosen");
    double[] rejected = fixture.doubles("rewards_rejected");
    double right = 0;
    for (int i = 0; i < 3; i++) {
      right += chosen[i] > rejected[i] ? 1 : 0;
    }
    double chosenMean = Arrays.stream(chosen).average().orElseThrow();
    double rejectedMean = Arrays.stream(rejected).average().orElseThrow();
    assertThat(result.chosenReward()).isCloseTo(chosenMean, near(1));
    assertThat(result.rejectedReward()).isCloseTo(rejectedMean, near(1));
    assertThat(result.margin()).isCloseTo(chosenMean - rejectedMean, near(1));
    assertThat(result.accuracy()).isEqualTo(right / 3);
  }

  @Test
  void thePolicyThatIsTheReferenceHasTheLossOfACoin() {
    PreferenceLoss.Result result =
        loss(Kind.SIGMOID).loss(policy, policy.clone(), tokens, new double[6]);
    assertThat(result).isEqualTo(new PreferenceLoss.Result(Math.log(2), 0, 0, 0, 0));
  }

  @Test
  void hingeHasNoGradientWhereTheMarginIsReached() {
    double[] gradient = new double[2];
    double loss =
        new PreferenceLoss(Kind.HINGE, 1, 0)
            .loss(new double[] {3, 1}, new double[2], new int[] {1, 1}, gradient)
            .loss();
    assertThat(loss).isZero();
    assertThat(gradient).containsOnly(new double[] {0}, within(0.0));
  }

  @Test
  void numbersOutOfRangeOrOfAnotherKindAreRefused() {
    assertThatThrownBy(() -> new PreferenceLoss(Kind.SIGMOID, 0, 0))
        .isInstanceOf(JambicException.class)
        .hasMessage("beta must be above 0, got 0.0");
    assertThatThrownBy(() -> new PreferenceLoss(Kind.ROBUST, 0.1, 0.5))
        .isInstanceOf(JambicException.class)
        .hasMessage("epsilon must be 0 or more and below 0.5, got 0.5");
    assertThatThrownBy(() -> new PreferenceLoss(Kind.HINGE, 0.1, 0.1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "epsilon is of the losses robust and conservative only; leave it at 0 with hinge, or choose one of them");
  }

  private static PreferenceLoss loss(Kind kind) {
    boolean noisy = kind == Kind.ROBUST || kind == Kind.CONSERVATIVE;
    return new PreferenceLoss(kind, BETA, noisy ? 0.1 : 0);
  }

  /** Sums of log-probabilities have been rounded to 32 bits, and some losses are far above 1. */
  private static Offset<Double> near(double value) {
    return within(TOLERANCE * Math.max(1, Math.abs(value)));
  }
}

package jambic.train.policy;

import static jambic.train.AlignmentFixture.TOLERANCE;
import static jambic.train.AlignmentFixture.requireGradient;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.AlignmentFixture;
import jambic.train.policy.GroupAdvantages.Scale;
import jambic.train.stage.AnswerTokens;
import java.util.Locale;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What GRPO is made of, against PyTorch's numbers, which TRL's own trainer has confirmed. */
class GrpoArithmeticTest {
  private static final Offset<Double> NEAR = within(TOLERANCE);
  private static final double BETA = 0.04;
  private static final double[] NONE = {};

  private final AlignmentFixture fixture = new AlignmentFixture("grpo");
  private final AnswerTokens answers = AnswerTokens.ofLengths(fixture.answerLengths());
  private final double[] logProbs = fixture.counted("logps");
  private final double[] old = fixture.counted("old_logps");
  private final double[] reference = fixture.counted("reference_logps");
  private final double[] advantages = fixture.doubles("advantages");
  private final double[] gradient = new double[logProbs.length];

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest
  @EnumSource
  void advantagesAreDifferencesWithinTheGroup(Scale scale) {
    GroupAdvantages groups = GroupAdvantages.of(fixture.doubles("advantages/rewards"), 4, scale);
    String name = "advantages/" + scale.name().toLowerCase(Locale.ROOT);
    assertThat(groups.advantages()).containsExactly(fixture.doubles(name), NEAR);
    assertThat(groups.fractionWithoutSpread()).isEqualTo(1.0 / 3);
  }

  @Test
  void spreadIsTheMeanOfTheGroups() {
    GroupAdvantages groups = GroupAdvantages.of(new double[] {1, 1, 0, 2}, 2, Scale.GROUP);
    assertThat(groups.meanStd()).isCloseTo(Math.sqrt(2) / 2, NEAR);
  }

  @ParameterizedTest
  @EnumSource
  void equalRewardsGiveZerosToTheBit(Scale scale) { // the mean of three times 0.1 is not 0.1
    GroupAdvantages flat = GroupAdvantages.of(new double[] {0.1, 0.1, 0.1}, 3, scale);
    assertThat(flat.advantages()).containsExactly(0, 0, 0);
    assertThat(flat.meanStd()).isZero();
    assertThat(flat.fractionWithoutSpread()).isEqualTo(1);
  }

  @Test
  void whatCannotBeComparedIsRefused() {
    assertThatThrownBy(() -> GroupAdvantages.of(new double[] {1, 2}, 1, Scale.GROUP))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "groups of 1 leave nothing to compare an answer with; use 2 answers a prompt or more");
    assertThatThrownBy(() -> GroupAdvantages.of(new double[] {1, Double.NaN}, 2, Scale.GROUP))
        .isInstanceOf(JambicException.class)
        .hasMessage("the reward of answer 2 of 2 is NaN; a reward must be a finite number");
  }

  @ParameterizedTest
  @EnumSource
  void lossWithoutReference(GrpoLoss.Kind kind) {
    GrpoLoss grpo = new GrpoLoss(kind, 0.2, 0.28, 0, true, 8);
    GrpoLoss.Result result = grpo.loss(answers, logProbs, old, NONE, advantages, gradient);
    assertThat(result.loss()).isCloseTo(expected(kind, ""), NEAR);
    assertThat(result.kl()).isZero();
    assertThat(result.clippedLow()).isCloseTo(fixture.scalar("clipped_low"), NEAR);
    assertThat(result.clippedHigh()).isCloseTo(fixture.scalar("clipped_high"), NEAR);
    assertThat(result.meanRatio()).isCloseTo(mean(fixture.counted("ratio")), NEAR);
    requireGradient(
        logProbs, gradient, at -> grpo.loss(answers, at, old, NONE, advantages, at.clone()).loss());
  }

  @ParameterizedTest
  @EnumSource
  void lossWithDivergence(GrpoLoss.Kind kind) {
    for (boolean weighted : new boolean[] {false, true}) {
      GrpoLoss grpo = new GrpoLoss(kind, 0.2, 0.28, BETA, weighted, 8);
      GrpoLoss.Result result = grpo.loss(answers, logProbs, old, reference, advantages, gradient);
      assertThat(result.loss()).isCloseTo(expected(kind, weighted ? "_kl_weighted" : "_kl"), NEAR);
      assertThat(result.kl()).isCloseTo(mean(fixture.counted("kl")), NEAR);
      requireGradient(
          logProbs,
          gradient,
          at -> grpo.loss(answers, at, old, reference, advantages, at.clone()).loss());
    }
  }

  @Test
  void onPolicyTheRatioIsOneToTheBitAndNothingIsClipped() {
    GrpoLoss grpo = new GrpoLoss(GrpoLoss.Kind.DAPO, 0.2, 0.2, 0, true, 8);
    GrpoLoss.Result result = grpo.loss(answers, old.clone(), old, NONE, advantages, gradient);
    assertThat(result.meanRatio()).isEqualTo(1.0);
    assertThat(result.clippedLow() + result.clippedHigh()).isZero();
    assertThat(gradient[0]).isEqualTo(-advantages[0] * (1.0 / answers.tokens()));
  }

  @Test
  void groupsWithoutSpreadHaveNoGradient() {
    GrpoLoss grpo = new GrpoLoss(GrpoLoss.Kind.GRPO, 0.2, 0.2, 0, true, 8);
    GrpoLoss.Result result =
        grpo.loss(answers, logProbs, old, NONE, new double[answers.count()], gradient);
    assertThat(result.loss()).isZero();
    assertThat(gradient).containsOnly(new double[] {0}, within(0.0));
  }

  private double expected(GrpoLoss.Kind kind, String ending) {
    return fixture.scalar("loss/" + kind.name().toLowerCase(Locale.ROOT) + ending);
  }

  private static double mean(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum / values.length;
  }
}

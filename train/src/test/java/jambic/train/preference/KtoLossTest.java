package jambic.train.preference;

import static jambic.train.AlignmentFixture.requireGradient;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import org.junit.jupiter.api.Test;

class KtoLossTest {
  private static final double[] POLICY = {-10, -12, -7, -9};
  private static final double[] REFERENCE = {-11, -10, -8, -6};
  private static final boolean[] GOOD = {true, false, false, true};

  @Test
  void lossOfGoodAndBadAnswers() { // 1 - sigmoid of 0.25, 1.25, -0.25, -1.75, times 2 for good ones
    double[] gradient = new double[4];
    KtoLoss kto = new KtoLoss(0.5, 2, 1);
    KtoLoss.Result result = kto.loss(POLICY, REFERENCE, GOOD, 0.5, gradient);
    double expected =
        (2 / (1 + Math.exp(0.25))
                + 1 / (1 + Math.exp(1.25))
                + 1 / (1 + Math.exp(-0.25))
                + 2 / (1 + Math.exp(-1.75)))
            / 4;
    assertThat(result.loss()).isCloseTo(expected, within(1e-12));
    assertThat(result.loss()).isCloseTo(0.8411073104690331, within(1e-12)); // TRL's KTOTrainer
    assertThat(result.goodReward()).hasValue(0.5 * (1 - 3) / 2);
    assertThat(result.badReward()).hasValue(0.5 * (-2 + 1) / 2);
    requireGradient(POLICY, gradient, at -> kto.loss(at, REFERENCE, GOOD, 0.5, at.clone()).loss());
  }

  @Test
  void divergenceIsTheMeanOfMismatchedRowsAndNeverNegative() {
    assertThat(KtoLoss.kl(new double[] {-3, -5}, new double[] {-4, -7})).isEqualTo(1.5);
    assertThat(KtoLoss.kl(new double[] {-4, -7}, new double[] {-3, -5})).isZero();
  }

  @Test
  void aBatchWithoutMismatchedRowsIsRefused() {
    assertThatThrownBy(() -> KtoLoss.kl(new double[0], new double[0]))
        .isInstanceOf(JambicException.class)
        .hasMessage("KTO needs answers to other prompts of the batch; use a batch of 2 or more");
  }

  @Test
  void aBatchOfGoodAnswersAloneHasNoRewardOfBadOnes() {
    KtoLoss.Result result =
        new KtoLoss(0.1, 1, 1)
            .loss(new double[] {0}, new double[] {0}, new boolean[] {true}, 0, new double[1]);
    assertThat(result.loss()).isEqualTo(0.5);
    assertThat(result.badReward()).isEmpty();
  }

  @Test
  void weightsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> new KtoLoss(0.1, 0, 1))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "beta and the weights of good and bad answers must be above 0, got 0.1, 0.0 and 1.0");
  }
}

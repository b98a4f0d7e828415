package jambic.train.policy;

import static jambic.train.AlignmentFixture.TOLERANCE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import jambic.train.AlignmentFixture;
import jambic.train.stage.AnswerTokens;
import org.junit.jupiter.api.Test;

class TokenRewardsTest {
  @Test
  void theScoreLiesOnTheTokenThatEndsTheAnswer() {
    try (AlignmentFixture fixture = new AlignmentFixture("rl")) {
      int[] ended = fixture.ints("ended");
      boolean[] hasEnded = new boolean[ended.length];
      for (int i = 0; i < ended.length; i++) {
        hasEnded[i] = ended[i] == 1;
      }
      double[] scores = TokenRewards.penalized(fixture.doubles("scores"), hasEnded, 1);
      assertThat(scores).containsExactly(fixture.doubles("scores_with_penalty"), within(TOLERANCE));
      AnswerTokens answers = AnswerTokens.ofLengths(fixture.answerLengths());
      assertThat(TokenRewards.of(answers, fixture.counted("t1.0/k1"), 0.05, scores))
          .containsExactly(fixture.counted("rewards"), within(TOLERANCE));
    }
  }

  @Test
  void theCoefficientAdaptsAsZieglers() {
    try (AlignmentFixture fixture = new AlignmentFixture("rl")) {
      double[] kl = fixture.doubles("controller/kl");
      double[] coefficients = fixture.doubles("controller/coefficients");
      KlController controller = new KlController(0.2, 6, 10_000);
      for (int i = 0; i < kl.length; i++) {
        controller = controller.after(kl[i], 256);
        assertThat(controller.coefficient()).isCloseTo(coefficients[i], within(TOLERANCE));
      }
    }
  }

  @Test
  void aFixedCoefficientStays() {
    KlController fixed = KlController.fixed(0.05);
    assertThat(fixed.after(100, 1_000_000)).isEqualTo(fixed);
  }

  @Test
  void aControllerOutOfRangeIsRefused() {
    assertThatThrownBy(() -> KlController.fixed(-1))
        .isInstanceOf(JambicException.class)
        .hasMessage("the KL coefficient must be 0 or more, got -1.0");
    assertThatThrownBy(() -> new KlController(0.2, 0, 10))
        .isInstanceOf(JambicException.class)
        .hasMessage("the KL target and the horizon must be above 0, got 0.0 and 10.0");
    assertThatThrownBy(() -> new KlController(0.2, 6, 10).after(3, 256))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "a horizon of 10.0 is too short for 256 answers an update; it must be above 51.2");
    assertThatThrownBy(() -> new KlController(0.2, 6, 10_000).after(Double.NaN, 256))
        .isInstanceOf(JambicException.class)
        .hasMessage("the KL divergence is NaN: training has diverged; lower the learning rate");
  }
}

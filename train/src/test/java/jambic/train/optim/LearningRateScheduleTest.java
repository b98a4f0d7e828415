package jambic.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import jambic.tensor.JambicException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LearningRateScheduleTest {
  /** By hand, for a peak of 1e-3 at 100, falling to 1e-4 at 2000. */
  @ParameterizedTest
  @CsvSource({
    "0, 9.900990099009901e-6", // 1e-3 * 1 / 101
    "49, 4.9504950495049506e-4", // 1e-3 * 50 / 101
    "99, 9.900990099009901e-4", // 1e-3 * 100 / 101
    "100, 1e-3", // cos 0
    "575, 8.681980515339464e-4", // a quarter: 1e-4 + 9e-4 * (1 + sqrt(1/2)) / 2
    "1050, 5.5e-4", // half: the mean of both ends
    "1525, 2.318019484660536e-4", // three quarters: 1e-4 + 9e-4 * (1 - sqrt(1/2)) / 2
    "2000, 1e-4",
    "100000, 1e-4",
  })
  void warmsUpThenFallsOnACosine(long iteration, double expected) {
    var schedule = new LearningRateSchedule.WarmupCosine(1e-3, 1e-4, 100, 2000);
    assertThat(schedule.at(iteration)).isCloseTo(expected, within(1e-18));
  }

  @Test
  void neitherWarmUpNorDecayIsStillASchedule() {
    var schedule = new LearningRateSchedule.WarmupCosine(1e-3, 1e-4, 10, 10);
    assertThat(schedule.at(9)).isEqualTo(1e-3 * 10 / 11);
    assertThat(schedule.at(10)).isEqualTo(1e-4);
    assertThat(new LearningRateSchedule.WarmupCosine(1e-3, 1e-4, 0, 10).at(0)).isEqualTo(1e-3);
  }

  @Test
  void aConstantRateIsOne() {
    var schedule = new LearningRateSchedule.Constant(3e-4);
    assertThat(schedule.at(0)).isEqualTo(3e-4);
    assertThat(schedule.at(1_000_000)).isEqualTo(3e-4);
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "3999", "4000", "4001", "100000"})
  void theInverseSquareRootIsThePapersFormula(long step) {
    var schedule = new LearningRateSchedule.InverseSqrt(Math.pow(512.0 * 4000, -0.5), 4000);
    double paper =
        Math.pow(512, -0.5) * Math.min(Math.pow(step, -0.5), step * Math.pow(4000, -1.5));
    assertThat(schedule.at(step - 1)).isCloseTo(paper, within(1e-17));
  }

  @Test
  void anInverseSquareRootWithoutWarmUpIsRefused() {
    assertThatThrownBy(() -> new LearningRateSchedule.InverseSqrt(1e-3, 0))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("not 0");
  }
}

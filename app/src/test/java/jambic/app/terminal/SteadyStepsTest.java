package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SteadyStepsTest {
  private final List<Integer> tooFew = new ArrayList<>();
  private long now;

  @Test
  void aSlowFirstStepIsNotMeasured() {
    List<Double> millis = measure(20, 11_000, 1_000);
    assertThat(millis).hasSize(8).containsOnly(1_000.0); // those that begin after 12 s and later
    assertThat(tooFew).isEmpty();
  }

  @Test
  void slowStepsAreMeasuredUntilThereAreThree() {
    List<Double> millis = measure(20, 30_000, 15_000, 9_000, 8_000, 10_000);
    assertThat(millis).containsExactly(8_000.0, 9_000.0, 10_000.0);
    assertThat(tooFew).containsExactly(0);
  }

  @Test
  void quickStepsAreThoseOfTheSecondHalf() {
    assertThat(measure(1, 100, 90, 80, 70, 60, 100, 50)).containsOnly(50.0).hasSize(10);
  }

  /** Steps of these milliseconds; the last goes for all that follow. */
  private List<Double> measure(double seconds, int... steps) {
    return new SteadySteps(seconds, tooFew::add, () -> now)
        .measure(i -> now += steps[Math.min(i, steps.length - 1)] * 1_000_000L);
  }
}

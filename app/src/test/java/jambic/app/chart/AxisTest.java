package jambic.app.chart;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AxisTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1.62 | 4.29 | 1.5 2.0 2.5 3.0 3.5 4.0 4.5",
        "1.5 | 4.5 | 1.5 2.0 2.5 3.0 3.5 4.0 4.5",
        "0.011 | 0.089 | 0.01 0.02 0.03 0.04 0.05 0.06 0.07 0.08 0.09",
        "3.4849 | 3.4851 | 3.48490 3.48495 3.48500 3.48505 3.48510",
        "-1 | 39 | -5 0 5 10 15 20 25 30 35 40",
        "3000 | 41000 | 0 5,000 10,000 15,000 20,000 25,000 30,000 35,000 40,000 45,000",
      })
  void ticksAreRoundAndReachAround(double low, double high, String labels) {
    Axis axis = Axis.around(low, high, 8, 0, 1);
    assertThat(labels(axis)).isEqualTo(labels);
    assertThat(axis.low()).isLessThanOrEqualTo(low);
    assertThat(axis.high()).isGreaterThanOrEqualTo(high);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | 0 1",
        "3 | 0 1 2 3",
        "14 | 0 2 4 6 8 10 12 14",
        "2000 | 0 500 1,000 1,500 2,000",
        "4999 | 0 1,000 2,000 3,000 4,000",
      })
  void iterationsAreWholeNumbers(double high, String labels) {
    assertThat(labels(Axis.counting(high, 9, 0, 1))).isEqualTo(labels);
  }

  @Test
  void placesAreLinear() {
    Axis axis = new Axis(1, 5, 1, 400, 0);
    assertThat(axis.place(1)).isEqualTo(400);
    assertThat(axis.place(2)).isEqualTo(300);
    assertThat(axis.place(5)).isEqualTo(0);
  }

  private static String labels(Axis axis) {
    return String.join(" ", Arrays.stream(axis.ticks()).mapToObj(axis::label).toList());
  }
}

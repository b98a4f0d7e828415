package jambic.app.chart;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SeriesTest {
  private final Series squares =
      new Series(
          IntStream.range(0, 10).asDoubleStream().toArray(),
          IntStream.range(0, 10).mapToDouble(i -> i * i).toArray());

  @Test
  void thinningAveragesStretches() {
    Series thin = squares.thinned(5);
    assertThat(thin.x()).containsExactly(0.5, 2.5, 4.5, 6.5, 8.5);
    assertThat(thin.y()).containsExactly(0.5, 6.5, 20.5, 42.5, 72.5);
    assertThat(squares.thinned(3).x()).containsExactly(1, 4, 7.5);
    assertThat(squares.thinned(10)).isSameAs(squares);
  }

  @Test
  void smoothingKeepsTheFirstPointAndAveragesTheRest() {
    double[] smooth = squares.smoothed(2).y();
    assertThat(smooth[0]).isEqualTo(0);
    assertThat(smooth[1]).isEqualTo((0 + 1 + 4) / 3.0);
    assertThat(smooth[5]).isEqualTo((9 + 16 + 25 + 36 + 49) / 5.0);
    assertThat(smooth[9]).isEqualTo((49 + 64 + 81) / 3.0);
    assertThat(squares.smoothed(0).y()).isEqualTo(squares.y());
  }

  @Test
  void theLowestPointIsTheFirstOfEquals() {
    assertThat(new Series(new double[4], new double[] {3, 1, 2, 1}).lowest()).isEqualTo(1);
  }
}

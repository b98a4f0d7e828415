package jambic.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class CurveTest {
  private static final int MOST = 2_000;

  @Test
  void aShortCurveIsShownAsItIs() {
    CurvePoints points = wave(MOST).between(0, Integer.MAX_VALUE, MOST);
    assertThat(points.count()).isEqualTo(MOST);
    assertThat(points.iters()).isSorted();
  }

  @Test
  void aLongCurveKeepsItsPeaksAndItsEnds() {
    Curve curve = new Curve();
    for (int i = 0; i < 100_003; i++) {
      curve.add(i, i == 54_321 ? 1e6 : i == 77_777 ? -1e6 : Math.sin(i));
    }
    CurvePoints points = curve.between(0, Integer.MAX_VALUE, MOST);
    assertThat(points.count()).isBetween(MOST / 2, MOST);
    assertThat(points.iters()).isSorted().doesNotHaveDuplicates();
    assertThat(points.iters()).startsWith(0).endsWith(100_002).contains(54_321, 77_777);
    assertThat(Arrays.stream(points.values()).max()).hasValue(1e6);
    assertThat(Arrays.stream(points.values()).min()).hasValue(-1e6);
  }

  @Test
  void everyStretchIsShownByItsLowestAndItsHighest() {
    Curve curve = wave(10_000);
    CurvePoints points = curve.between(0, Integer.MAX_VALUE, 102);
    for (int stretch = 0; stretch < 50; stretch++) {
      int begin = 1 + 9_998 * stretch / 50;
      int end = 1 + 9_998 * (stretch + 1) / 50;
      double[] all = curve.between(begin, end - 1, MOST).values();
      double[] shown = new double[points.count()];
      int count = 0;
      for (int i = 0; i < points.count(); i++) {
        if (points.iters()[i] >= begin && points.iters()[i] < end) {
          shown[count++] = points.values()[i];
        }
      }
      double[] kept = Arrays.copyOf(shown, count);
      assertThat(Arrays.stream(kept).max()).isEqualTo(Arrays.stream(all).max());
      assertThat(Arrays.stream(kept).min()).isEqualTo(Arrays.stream(all).min());
    }
  }

  @Test
  void aPartIsShownInItsOwnDetail() {
    CurvePoints points = wave(100_000).between(500, 1_499, MOST);
    assertThat(points.count()).isEqualTo(1_000);
    assertThat(points.iters()).startsWith(500).endsWith(1_499);
  }

  @Test
  void aPartWithoutPointsIsEmpty() {
    assertThat(wave(10).between(20, 30, MOST).count()).isZero();
    assertThat(wave(10).between(5, 4, MOST).count()).isZero();
    assertThat(wave(10).between(-5, -1, MOST).count()).isZero();
    assertThat(new Curve().between(0, Integer.MAX_VALUE, MOST).count()).isZero();
  }

  @Test
  void aSmoothedCurveIsTheExponentialMovingAverage() {
    Curve curve = new Curve();
    curve.add(0, 4);
    curve.add(5, 2);
    curve.add(6, 0);
    CurvePoints points = curve.smoothed(0.75).between(0, Integer.MAX_VALUE, MOST);
    assertThat(points.iters()).containsExactly(0, 5, 6);
    assertThat(points.values()).containsExactly(4, 3.5, 2.625);
    assertThat(new Curve().smoothed(0.9).count()).isZero();
  }

  private static Curve wave(int length) {
    Curve curve = new Curve();
    for (int i = 0; i < length; i++) {
      curve.add(i, Math.sin(i * 0.7) * i);
    }
    return curve;
  }
}

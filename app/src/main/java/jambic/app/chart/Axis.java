package jambic.app.chart;

import jambic.tensor.text.Text;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Maps values to places along one side of the plot, with ticks at round numbers.
 *
 * @param low the value at {@code from}
 * @param high the value at {@code to}
 * @param step the distance between ticks: 1, 2 or 5 times a power of ten
 * @param from the place of {@code low}
 * @param to the place of {@code high}
 */
record Axis(double low, double high, double step, double from, double to) {
  private static final double MANY_DIGITS = 1e7;

  /** An axis of whole numbers from 0 to exactly {@code high}, with at most {@code count} steps. */
  static Axis counting(double high, int count, double from, double to) {
    return new Axis(0, high, Math.max(1, step(high / count)), from, to);
  }

  /** An axis that reaches out to the next tick at both ends. */
  static Axis around(double low, double high, int count, double from, double to) {
    double step = step((high - low) / count);
    return new Axis(Math.floor(low / step) * step, Math.ceil(high / step) * step, step, from, to);
  }

  /** The least of 1, 2 and 5 times a power of ten that is no less than {@code least}. */
  private static double step(double least) {
    double power = Math.pow(10, Math.floor(Math.log10(least)));
    return DoubleStream.of(1, 2, 5, 10)
        .map(factor -> factor * power)
        .filter(step -> step >= least * (1 - 1e-9))
        .findFirst()
        .orElseThrow();
  }

  double place(double value) {
    return from + (value - low) / (high - low) * (to - from);
  }

  double[] ticks() {
    double slack = 1e-9;
    int first = (int) Math.ceil(low / step - slack);
    int last = (int) Math.floor(high / step + slack);
    return IntStream.rangeClosed(first, last).mapToDouble(i -> i * step).toArray();
  }

  /** A tick in words, with the decimals its step needs. */
  String label(double tick) {
    if (step >= MANY_DIGITS) {
      return Text.format("%.2e", tick);
    }
    int decimals = (int) Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return Text.format("%,." + decimals + "f", tick);
  }
}

package jambic.bench;

import jambic.tensor.text.Text;
import java.util.List;

/**
 * What several rounds say about one subject and engine.
 *
 * @param median the median of the rounds' medians, in milliseconds
 * @param low the least of the rounds' medians
 * @param high the largest of the rounds' medians
 * @param best the shortest call of all
 * @param rows the rounds
 */
record Summary(double median, double low, double high, double best, List<Row> rows) {
  static Summary of(List<Row> rows) {
    double[] medians = rows.stream().mapToDouble(Row::median).sorted().toArray();
    int half = medians.length / 2;
    return new Summary(
        medians.length % 2 == 1 ? medians[half] : (medians[half - 1] + medians[half]) / 2,
        medians[0],
        medians[medians.length - 1],
        rows.stream().mapToDouble(Row::min).min().orElseThrow(),
        rows);
  }

  /** The median and, of more than one round, the spread: {@code 1.23 (1.20-1.31)}. */
  String cell() {
    return rows.size() == 1
        ? digits(median)
        : digits(median) + " (" + digits(low) + "-" + digits(high) + ")";
  }

  /** How many times as long this took as the other, by median and by best call. */
  String over(Summary other) {
    return digits(median / other.median) + " (best " + digits(best / other.best) + ")";
  }

  /** The largest of a numeric extra over the rounds. */
  double largest(String name) {
    return rows.stream().mapToDouble(row -> row.number(name, Double.NaN)).max().orElse(Double.NaN);
  }

  /** Three significant digits, or all digits before the point. */
  static String digits(double x) {
    int decimals = Math.clamp(2 - (int) Math.floor(Math.log10(Math.max(x, 1e-9))), 0, 6);
    return Text.format("%." + decimals + "f", x);
  }
}

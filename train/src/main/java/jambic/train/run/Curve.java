package jambic.train.run;

import java.util.Arrays;

/** The numbers of one name in a log, by iteration. */
final class Curve {
  private int[] iters = new int[64];
  private double[] values = new double[64];
  private int count;

  /**
   * Adds a point.
   *
   * @return whether it is a later one; if not, those at and after its iteration are gone
   */
  boolean add(int iter, double value) {
    boolean later = count == 0 || iters[count - 1] < iter;
    while (count > 0 && iters[count - 1] >= iter) {
      count--;
    }
    if (count == iters.length) {
      iters = Arrays.copyOf(iters, 2 * count);
      values = Arrays.copyOf(values, 2 * count);
    }
    iters[count] = iter;
    values[count++] = value;
    return later;
  }

  int count() {
    return count;
  }

  int lastIter() {
    return iters[count - 1];
  }

  double last() {
    return values[count - 1];
  }

  double sum() {
    return Arrays.stream(values, 0, count).sum();
  }

  CurvePoints after(int known) {
    return new CurvePoints(
        Arrays.copyOfRange(iters, known, count), Arrays.copyOfRange(values, known, count));
  }

  /**
   * The same curve with each value drawn to those before it: the exponential moving average.
   *
   * @param weight of what was before, from 0 to below 1
   */
  Curve smoothed(double weight) {
    Curve smoothed = new Curve();
    smoothed.iters = Arrays.copyOf(iters, Math.max(1, count));
    smoothed.values = Arrays.copyOf(values, Math.max(1, count));
    smoothed.count = count;
    for (int i = 1; i < count; i++) {
      smoothed.values[i] = weight * smoothed.values[i - 1] + (1 - weight) * values[i];
    }
    return smoothed;
  }

  /**
   * What can be drawn of a part. Where there is too much, each stretch is shown by its lowest and
   * its highest point, so that no peak is lost; the ends stay.
   *
   * @param from the first iteration
   * @param to the last
   * @param most points, at least 4
   */
  CurvePoints between(int from, int to, int most) {
    int first = indexOf(from);
    int end = to == Integer.MAX_VALUE ? count : indexOf(to + 1);
    if (end <= first) {
      return new CurvePoints(new int[0], new double[0]);
    }
    if (end - first <= most) {
      return new CurvePoints(
          Arrays.copyOfRange(iters, first, end), Arrays.copyOfRange(values, first, end));
    }
    int stretches = (most - 2) / 2;
    int[] kept = new int[2 * stretches + 2];
    int size = 0;
    kept[size++] = first;
    int inner = end - first - 2;
    for (int i = 0; i < stretches; i++) {
      int begin = first + 1 + (int) ((long) inner * i / stretches);
      int stop = first + 1 + (int) ((long) inner * (i + 1) / stretches);
      int low = begin;
      int high = begin;
      for (int j = begin + 1; j < stop; j++) {
        low = values[j] < values[low] ? j : low;
        high = values[j] > values[high] ? j : high;
      }
      kept[size++] = Math.min(low, high);
      if (low != high) {
        kept[size++] = Math.max(low, high);
      }
    }
    kept[size++] = end - 1;
    int[] chosen = Arrays.copyOf(kept, size);
    return new CurvePoints(
        Arrays.stream(chosen).map(i -> iters[i]).toArray(),
        Arrays.stream(chosen).mapToDouble(i -> values[i]).toArray());
  }

  /** The index of the first point at or after an iteration. */
  private int indexOf(int iter) {
    int found = Arrays.binarySearch(iters, 0, count, iter);
    return found < 0 ? -found - 1 : found;
  }
}

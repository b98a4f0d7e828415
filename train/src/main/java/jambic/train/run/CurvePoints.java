package jambic.train.run;

/**
 * Points of a curve, by rising iteration.
 *
 * @param iters the iterations
 * @param values the number at each
 */
public record CurvePoints(int[] iters, double[] values) {
  /**
   * How many there are.
   *
   * @return their number
   */
  public int count() {
    return iters.length;
  }
}

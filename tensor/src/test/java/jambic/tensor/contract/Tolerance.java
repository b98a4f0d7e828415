package jambic.tensor.contract;

/**
 * How far a number may be from the one expected: {@code |got - expected| <= absolute + relative *
 * |expected|}.
 *
 * @param absolute the error allowed at 0
 * @param relative the error allowed on top, as a part of the expected number
 */
public record Tolerance(double absolute, double relative) {
  /** Equal numbers only. */
  public static final Tolerance EXACT = new Tolerance(0, 0);

  /**
   * A wider tolerance, for larger numbers.
   *
   * @param factor how many times as large the numbers are that a result is made of
   * @return this tolerance times the factor
   */
  public Tolerance times(double factor) {
    return new Tolerance(absolute * factor, relative * factor);
  }

  /**
   * What the rounding of a sum's terms adds up to.
   *
   * @param terms how many terms a sum has
   * @return this tolerance times the square root of the count
   */
  public Tolerance summing(long terms) {
    return times(Math.sqrt(Math.max(1, terms)));
  }

  /**
   * What is left of {@code exp(x)} when x has 24 bits.
   *
   * @param x the largest exponent
   * @return this tolerance and the relative error by which half a unit in x's last place changes
   *     its exponential
   */
  public Tolerance ofExponential(double x) {
    return new Tolerance(absolute, relative + Math.ulp((float) x) / 2);
  }

  /**
   * Whether a number passes. Infinities pass when equal, NaN when both are.
   *
   * @param expected the number to hit
   * @param got the number at hand
   * @return whether it is close enough
   */
  public boolean allows(float expected, float got) {
    return Float.compare(expected, got) == 0
        || Math.abs((double) got - expected) <= absolute + relative * Math.abs(expected);
  }
}

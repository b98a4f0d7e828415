package jambic.tensor.reference;

/** The error function, by its two textbook expansions (Abramowitz and Stegun, 7.1.6 and 7.1.14). */
final class Erf {
  private static final double SPLIT = 2.5; // where both expansions are good to 12 digits
  private static final int FRACTIONS = 60;

  private Erf() {}

  /** {@code 1 - erf(x)}, to 12 digits also where it is tiny. */
  static double complement(double x) {
    if (x < 0) {
      return 2 - complement(-x);
    }
    return x < SPLIT ? 1 - series(x) : fraction(x);
  }

  /** {@code erf(x) = 2/sqrt(pi) exp(-x²) (x + 2x³/3 + 4x⁵/15 + ...)}: every term is positive. */
  private static double series(double x) {
    double term = x;
    double sum = 0;
    for (int n = 1; sum + term != sum; n++) {
      sum += term;
      term *= 2 * x * x / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  /** {@code erfc(x) = exp(-x²)/sqrt(pi) / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...))))}. */
  private static double fraction(double x) {
    double below = x;
    for (int n = FRACTIONS; n > 0; n--) {
      below = x + n / 2.0 / below;
    }
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / below;
  }
}

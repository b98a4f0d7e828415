package jambic.tensor.cpu.simd;

/**
 * The numbers behind {@code exp} of a vector, which every kernel that needs it spells out:
 *
 * <pre>{@code
 * rounded = fma(x, LOG2_E, ROUND)        // low bits: n = round(x / ln 2)
 * n = rounded - ROUND
 * r = fma(n, -LN2_REST, fma(n, -LN2, x)) // Cody and Waite: |r| <= ln 2 / 2
 * p = 1 + r + r^2 (C0 + C1 r + C2 r^2 + C3 r^3 + C4 r^4)
 * exp(x) = p * 2^n                       // n added to the exponent bits of p
 * }</pre>
 *
 * <p>From {@link #MIN} to 88.7 the error is below 0.9 units in the last place; NaN gives NaN. Below
 * {@link #MIN} kernels put 0 rather than a subnormal number; none goes above 88.7.
 *
 * <p>There is no method because a vector that crosses a call which the compiler declines to inline
 * is boxed, and in large kernels it does decline: ten to a thousand times slower. The Vector API's
 * own {@code EXP} is an external library on some platforms and scalar code on others, with
 * different bits.
 */
public final class Exponential {
  /** The smallest argument whose exponential is a normal float: ln 2^-126. */
  public static final float MIN = -87.33654f;

  public static final float LOG2_E = 1.44269504f;
  public static final float LN2 = 0.693147182f;

  /** What is missing from the float {@link #LN2} to the real ln 2. */
  public static final float LN2_REST = -1.90465429e-9f;

  /** Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits of the sum. */
  public static final float ROUND = 0x1.8p23f;

  /** How far the exponent of a float is shifted. */
  public static final int EXPONENT_SHIFT = 23;

  // (e^r - 1 - r) / r^2, fitted for the least largest relative error of e^r.
  public static final float C0 = 0x1.fffffcp-2f;
  public static final float C1 = 0x1.555492p-3f;
  public static final float C2 = 0x1.5558f2p-5f;
  public static final float C3 = 0x1.123a2p-7f;
  public static final float C4 = 0x1.6a23cep-10f;

  private Exponential() {}
}

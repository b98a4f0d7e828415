package jambic.tensor.cpu.attention;

import static jambic.tensor.cpu.attention.AttentionRows.BLOCK;
import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jambic.tensor.cpu.simd.Exponential;
import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The online softmax of a block of scores that lies transposed: a row for each key, {@link #BLOCK}
 * numbers wide, a lane for each query. So nothing is ever added up across lanes.
 *
 * <p>Query i sees {@code visible + i * slope} of the keys, or all {@code keys} if that is less; the
 * weights of the others become 0 as far as {@link AttentionBlocks#seen}.
 *
 * <p>The cost is arithmetic: 14 operations an exponential, about 20 a vector of scores in all.
 */
final class AttentionColumns {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  private static final FloatVector INDEX = FloatVector.zero(F).addIndex(1);

  // The logarithm of 1 + x for sqrt(1/2) <= 1 + x < sqrt(2) is x - x^2 / 2 + x^3 P(x): Moshier's
  // Cephes library, logf.
  private static final float P0 = 7.0376836292e-2f;
  private static final float P1 = -1.1514610310e-1f;
  private static final float P2 = 1.1676998740e-1f;
  private static final float P3 = -1.2420140846e-1f;
  private static final float P4 = 1.4249322787e-1f;
  private static final float P5 = -1.6668057665e-1f;
  private static final float P6 = 2.0000714765e-1f;
  private static final float P7 = -2.4999993993e-1f;
  private static final float P8 = 3.3333331174e-1f;
  private static final int SQRT_HALF = 0x3F3504F3;
  private static final int MANTISSA = 0x7FFFFF;

  private AttentionColumns() {}

  /**
   * The largest score of each query so far, which the online softmax subtracts from all.
   *
   * @param w holds all of it
   * @param p the scores
   * @param shifts {@code scale} times the largest score before, and after
   * @param shrinks becomes the difference, at most 0: the logarithm of what older sums must be
   *     multiplied by
   */
  static void maxima(
      float[] w,
      int p,
      int queries,
      int visible,
      int slope,
      int keys,
      float scale,
      int shifts,
      int shrinks) {
    for (int i = 0; i < queries; i += L) {
      int all = Math.clamp(visible + i * slope, 0, keys);
      int some = Math.clamp(visible + (i + L - 1) * slope, 0, keys);
      FloatVector a = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector d = a;
      int j = 0;
      for (; j < all - 3; j += 4) {
        int row = p + j * BLOCK + i;
        FloatVector x0 = FloatVector.fromArray(F, w, row);
        FloatVector x1 = FloatVector.fromArray(F, w, row + BLOCK);
        FloatVector x2 = FloatVector.fromArray(F, w, row + 2 * BLOCK);
        FloatVector x3 = FloatVector.fromArray(F, w, row + 3 * BLOCK);
        a = a.blend(x0, x0.compare(GT, a));
        b = b.blend(x1, x1.compare(GT, b));
        c = c.blend(x2, x2.compare(GT, c));
        d = d.blend(x3, x3.compare(GT, d));
      }
      FloatVector first = INDEX.mul(slope).add(visible + i * slope - j);
      for (; j < some; j++) {
        FloatVector x = FloatVector.fromArray(F, w, p + j * BLOCK + i);
        a = a.blend(x, x.compare(GT, a).and(first.compare(GT, 0)));
        first = first.sub(1);
      }
      a = a.blend(b, b.compare(GT, a));
      c = c.blend(d, d.compare(GT, c));
      a = a.blend(c, c.compare(GT, a)).mul(scale);
      FloatVector before = FloatVector.fromArray(F, w, shifts + i);
      FloatVector after = before.blend(a, a.compare(GT, before));
      after.intoArray(w, shifts + i);
      before.sub(after).intoArray(w, shrinks + i);
    }
  }

  /**
   * {@code p = exp(scale * p - shift)}, and 0 where a query does not see a key.
   *
   * @param w holds all of it
   * @param p scores, at most {@code shift / scale} each but for rounding
   * @param shifts of each query
   * @param sums what each query's weights are added to
   */
  static void exponentials(
      float[] w,
      int p,
      int queries,
      int visible,
      int slope,
      int keys,
      float scale,
      int shifts,
      int sums) {
    FloatVector factor = FloatVector.broadcast(F, scale);
    FloatVector round = FloatVector.broadcast(F, Exponential.ROUND);
    FloatVector one = FloatVector.broadcast(F, 1);
    FloatVector zero = FloatVector.zero(F);
    for (int i = 0; i < queries; i += L) {
      int extent = AttentionBlocks.seen(i, visible, slope, keys);
      FloatVector shift = FloatVector.fromArray(F, w, shifts + i).neg();
      FloatVector sum = FloatVector.fromArray(F, w, sums + i);
      // How many keys from this one on a query sees.
      FloatVector left = INDEX.mul(slope).add(visible + i * slope);
      for (int j = 0; j < extent; j++) {
        int row = p + j * BLOCK + i;
        FloatVector x = FloatVector.fromArray(F, w, row).fma(factor, shift);
        FloatVector rounded = x.fma(FloatVector.broadcast(F, Exponential.LOG2_E), round);
        FloatVector whole = rounded.sub(round);
        FloatVector r = whole.fma(FloatVector.broadcast(F, -Exponential.LN2), x);
        r = whole.fma(FloatVector.broadcast(F, -Exponential.LN2_REST), r);
        FloatVector e = FloatVector.broadcast(F, Exponential.C4);
        e = e.fma(r, FloatVector.broadcast(F, Exponential.C3));
        e = e.fma(r, FloatVector.broadcast(F, Exponential.C2));
        e = e.fma(r, FloatVector.broadcast(F, Exponential.C1));
        e = e.fma(r, FloatVector.broadcast(F, Exponential.C0));
        e = e.fma(r, one).fma(r, one);
        IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, Exponential.EXPONENT_SHIFT);
        e = e.reinterpretAsInts().add(exponent).reinterpretAsFloats();
        VectorMask<Float> kept = x.compare(GE, Exponential.MIN);
        e = zero.blend(e, kept.and(left.compare(GT, 0)));
        left = left.sub(one);
        sum = sum.add(e);
        e.intoArray(w, row);
      }
      sum.intoArray(w, sums + i);
    }
  }

  /** {@code p *= factors}, as far as {@link #exponentials} goes. */
  static void drop(float[] w, int p, int factors, int queries, int visible, int slope, int keys) {
    for (int i = 0; i < queries; i += L) {
      int extent = AttentionBlocks.seen(i, visible, slope, keys);
      for (int j = 0; j < extent; j++) {
        int row = j * BLOCK + i;
        FloatVector x = FloatVector.fromArray(F, w, p + row);
        x.mul(FloatVector.fromArray(F, w, factors + row)).intoArray(w, p + row);
      }
    }
  }

  /** {@code sums = sums * factors}. */
  static void multiply(float[] w, int sums, int factors, int n) {
    for (int i = 0; i < n; i += L) {
      FloatVector x = FloatVector.fromArray(F, w, sums + i);
      x.mul(FloatVector.fromArray(F, w, factors + i)).intoArray(w, sums + i);
    }
  }

  /**
   * Ends the softmax: {@code shifts = shifts + log(sums)}, {@code sums = 1 / sums}. The error of
   * the logarithm is below one unit in the last place.
   *
   * @param sums positive, normal numbers
   */
  static void finish(float[] w, int shifts, int sums, int queries) {
    FloatVector one = FloatVector.broadcast(F, 1);
    for (int i = 0; i < queries; i += L) {
      FloatVector sum = FloatVector.fromArray(F, w, sums + i);
      one.div(sum).intoArray(w, sums + i);
      IntVector above = sum.reinterpretAsInts().sub(SQRT_HALF);
      IntVector fraction = above.lanewise(AND, MANTISSA).add(SQRT_HALF);
      FloatVector x = fraction.reinterpretAsFloats().sub(one);
      FloatVector e =
          (FloatVector) above.lanewise(ASHR, Exponential.EXPONENT_SHIFT).convertShape(I2F, F, 0);
      FloatVector y = FloatVector.broadcast(F, P0);
      y = y.fma(x, FloatVector.broadcast(F, P1));
      y = y.fma(x, FloatVector.broadcast(F, P2));
      y = y.fma(x, FloatVector.broadcast(F, P3));
      y = y.fma(x, FloatVector.broadcast(F, P4));
      y = y.fma(x, FloatVector.broadcast(F, P5));
      y = y.fma(x, FloatVector.broadcast(F, P6));
      y = y.fma(x, FloatVector.broadcast(F, P7));
      y = y.fma(x, FloatVector.broadcast(F, P8));
      FloatVector square = x.mul(x);
      y = y.mul(x).mul(square);
      y = e.fma(FloatVector.broadcast(F, Exponential.LN2_REST), y);
      y = square.fma(FloatVector.broadcast(F, -0.5f), y);
      y = e.fma(FloatVector.broadcast(F, Exponential.LN2), x.add(y));
      y.add(FloatVector.fromArray(F, w, shifts + i)).intoArray(w, shifts + i);
    }
  }
}

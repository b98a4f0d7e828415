package jambic.tensor.cpu.attention;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.XOR;

import jambic.tensor.cpu.simd.Exponential;
import jambic.tensor.cpu.simd.Lanes;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * What attention does to the rows of a block of scores between its matrix products.
 *
 * <p>A block is {@link #BLOCK} numbers wide in memory. Its row i has {@code visible + i * slope}
 * visible keys, or {@code keys} if that is less; what follows them becomes 0 up to the {@link
 * AttentionBlocks#extent} of the row, so that the products need not know how long a row is.
 *
 * <p>The cost is arithmetic: 14 operations an exponential, about 25 a vector of scores in all.
 */
final class AttentionRows {
  /** Queries and keys of a block: three of its matrices fit the first-level cache. */
  static final int BLOCK = 64;

  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();

  private static final FloatVector INDEX = FloatVector.zero(F).addIndex(1);

  private AttentionRows() {}

  /**
   * The largest score of each row so far, which is what the online softmax subtracts from all.
   *
   * @param w holds all of it
   * @param p the scores
   * @param maxima of each row before, and after
   * @param shifts becomes {@code scale * maximum}
   * @param shrinks becomes {@code scale * (maximum before - maximum)}, the logarithm of what older
   *     sums must be multiplied by
   */
  static void maxima(
      float[] w,
      int p,
      int rows,
      int visible,
      int slope,
      int keys,
      float scale,
      int maxima,
      int shifts,
      int shrinks) {
    for (int i = 0; i < rows; i++) {
      int n = Math.min(keys, visible + i * slope);
      int row = p + i * BLOCK;
      float before = w[maxima + i];
      FloatVector highest = FloatVector.broadcast(F, before);
      int j = 0;
      for (; j <= n - L; j += L) {
        FloatVector x = FloatVector.fromArray(F, w, row + j);
        highest = highest.blend(x, x.compare(GT, highest));
      }
      if (j < n) {
        FloatVector x = FloatVector.fromArray(F, w, row + j);
        VectorMask<Float> higher = x.compare(GT, highest);
        highest = highest.blend(x, higher.and(INDEX.compare(LT, (float) (n - j))));
      }
      // The largest lane, as integers in the order of the floats: a maximum of floats costs five
      // operations for the sake of NaN and -0.
      IntVector bits = highest.reinterpretAsInts();
      IntVector ordered = bits.lanewise(XOR, bits.lanewise(ASHR, 31).lanewise(LSHR, 1));
      int largest = ordered.reduceLanes(MAX);
      float top = Float.intBitsToFloat(largest ^ (largest >> 31) >>> 1);
      w[maxima + i] = top;
      w[shifts + i] = scale * top;
      w[shrinks + i] = scale * (before - top);
    }
  }

  /**
   * {@code p = exp(scale * p - shift)}, and 0 where a row sees no key.
   *
   * @param w holds all of it
   * @param p scores, at most {@code shift / scale} each but for rounding
   * @param shifts of each row
   */
  static void exponentials(
      float[] w, int p, int rows, int visible, int slope, int keys, float scale, int shifts) {
    FloatVector factor = FloatVector.broadcast(F, scale);
    FloatVector zero = FloatVector.zero(F);
    FloatVector round = FloatVector.broadcast(F, Exponential.ROUND);
    FloatVector one = FloatVector.broadcast(F, 1);
    for (int i = 0; i < rows; i++) {
      int n = Math.min(keys, visible + i * slope);
      int extent = AttentionBlocks.extent(i, visible, slope, keys);
      int row = p + i * BLOCK;
      FloatVector shift = FloatVector.broadcast(F, -w[shifts + i]);
      FloatVector behind = INDEX.sub((float) n); // negative where a key is seen
      for (int j = 0; j < extent; j += L) {
        FloatVector x = FloatVector.fromArray(F, w, row + j).fma(factor, shift);
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
        e = zero.blend(e, x.compare(GE, Exponential.MIN).and(behind.compare(LT, 0)));
        behind = behind.add(L);
        e.intoArray(w, row + j);
      }
    }
  }

  /** Multiplies rows of {@code n} numbers, a multiple of the lanes, by a factor each. */
  static void multiply(float[] w, int x, int n, int factors, int rows) {
    for (int i = 0; i < rows; i++) {
      float factor = w[factors + i];
      if (factor != 1) {
        int row = x + i * n;
        for (int d = 0; d < n; d += L) {
          FloatVector.fromArray(F, w, row + d).mul(factor).intoArray(w, row + d);
        }
      }
    }
  }

  /**
   * The gradients of scores: {@code ds = scale p (dp - delta)}.
   *
   * @param ds dp, and after ds
   * @param p the weights
   * @param deltas the inner product of each row's weights and their gradients
   */
  static void gradients(
      float[] w,
      int ds,
      int p,
      int rows,
      int visible,
      int slope,
      int keys,
      float scale,
      int deltas) {
    FloatVector zero = FloatVector.zero(F);
    for (int i = 0; i < rows; i++) {
      int n = Math.min(keys, visible + i * slope);
      int extent = AttentionBlocks.extent(i, visible, slope, keys);
      int row = p + i * BLOCK;
      int g = ds + i * BLOCK;
      FloatVector delta = FloatVector.broadcast(F, w[deltas + i]);
      FloatVector behind = INDEX.sub((float) n);
      for (int j = 0; j < extent; j += L) {
        FloatVector x = FloatVector.fromArray(F, w, g + j).sub(delta).mul(scale);
        x = x.mul(FloatVector.fromArray(F, w, row + j));
        zero.blend(x, behind.compare(LT, 0)).intoArray(w, g + j);
        behind = behind.add(L);
      }
    }
  }

  /** As {@link #gradients} when the weights are yet to be multiplied by {@code factors}, here. */
  static void droppedGradients(
      float[] w,
      int ds,
      int p,
      int factors,
      int rows,
      int visible,
      int slope,
      int keys,
      float scale,
      int deltas) {
    FloatVector zero = FloatVector.zero(F);
    for (int i = 0; i < rows; i++) {
      int n = Math.min(keys, visible + i * slope);
      int extent = AttentionBlocks.extent(i, visible, slope, keys);
      int row = p + i * BLOCK;
      int g = ds + i * BLOCK;
      int f = factors + i * BLOCK;
      FloatVector delta = FloatVector.broadcast(F, -w[deltas + i]);
      FloatVector behind = INDEX.sub((float) n);
      for (int j = 0; j < extent; j += L) {
        FloatVector m = FloatVector.fromArray(F, w, f + j);
        FloatVector weight = FloatVector.fromArray(F, w, row + j);
        FloatVector x = FloatVector.fromArray(F, w, g + j).fma(m, delta).mul(scale).mul(weight);
        zero.blend(x, behind.compare(LT, 0)).intoArray(w, g + j);
        weight.mul(m).intoArray(w, row + j);
        behind = behind.add(L);
      }
    }
  }

  /** Copies rows of {@code n} numbers, for the tiles and the vectors to read. */
  static void copy(float[] to, int t, int ldt, float[] from, int f, int ldf, int rows, int n) {
    VectorMask<Float> rest = INDEX.compare(LT, (float) (n % L));
    for (int i = 0; i < rows; i++) {
      int x = f + i * ldf;
      int y = t + i * ldt;
      int d = 0;
      for (; d <= n - L; d += L) {
        FloatVector.fromArray(F, from, x + d).intoArray(to, y + d);
      }
      if (d < n) {
        FloatVector.fromArray(F, from, x + d, rest).intoArray(to, y + d, rest);
      }
    }
  }

  /** {@code to = factor * from}, row by row with a factor each. */
  static void scaled(
      float[] to, int t, int ldt, float[] from, int f, int ldf, int rows, int n, int factors) {
    VectorMask<Float> rest = INDEX.compare(LT, (float) (n % L));
    for (int i = 0; i < rows; i++) {
      int x = f + i * ldf;
      int y = t + i * ldt;
      float factor = from[factors + i];
      int d = 0;
      for (; d <= n - L; d += L) {
        FloatVector.fromArray(F, from, x + d).mul(factor).intoArray(to, y + d);
      }
      if (d < n) {
        FloatVector.fromArray(F, from, x + d).mul(factor).intoArray(to, y + d, rest);
      }
    }
  }

  /** {@code to += from}, row by row. */
  static void add(float[] to, int t, int ldt, float[] from, int f, int ldf, int rows, int n) {
    VectorMask<Float> rest = INDEX.compare(LT, (float) (n % L));
    for (int i = 0; i < rows; i++) {
      int x = f + i * ldf;
      int y = t + i * ldt;
      int d = 0;
      for (; d <= n - L; d += L) {
        FloatVector r = FloatVector.fromArray(F, from, x + d);
        r.add(FloatVector.fromArray(F, to, y + d)).intoArray(to, y + d);
      }
      if (d < n) {
        FloatVector r = FloatVector.fromArray(F, from, x + d, rest);
        r.add(FloatVector.fromArray(F, to, y + d, rest)).intoArray(to, y + d, rest);
      }
    }
  }
}

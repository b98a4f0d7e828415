package jambic.tensor.cpu.simd;

import static jambic.tensor.cpu.simd.Exponential.C0;
import static jambic.tensor.cpu.simd.Exponential.C1;
import static jambic.tensor.cpu.simd.Exponential.C2;
import static jambic.tensor.cpu.simd.Exponential.C3;
import static jambic.tensor.cpu.simd.Exponential.C4;
import static jambic.tensor.cpu.simd.Exponential.EXPONENT_SHIFT;
import static jambic.tensor.cpu.simd.Exponential.LN2;
import static jambic.tensor.cpu.simd.Exponential.LN2_REST;
import static jambic.tensor.cpu.simd.Exponential.LOG2_E;
import static jambic.tensor.cpu.simd.Exponential.ROUND;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exact GELU, {@code x * (1 + erf(x / sqrt 2)) / 2}, and its derivative.
 *
 * <p>Both are computed at {@code u = |x|} through their small half, which loses nothing to
 * cancellation: the function is {@code max(x, 0) - u t(u)} with the normal distribution's tail t,
 * and the derivative d satisfies {@code d(x) = 1 - d(-x)}. The tail is {@code exp(-u^2 / 2) m(u)},
 * where m, Mills' ratio over the square root of 2 pi, is so smooth that one polynomial serves all
 * of [0, 6]: no second branch to blend.
 *
 * <p>The largest error is 8e-8 * max(1, |x|) for the function and 1.5e-7 for the derivative. NaN
 * gives NaN, infinity the limit. Compute-bound: about forty vector operations, hence one body for
 * whole and partial vectors alike, with masked loads (cheap everywhere) and, at the end only, a
 * masked store (slow before AVX-512).
 */
public final class GeluErf {
  /** Past this, function and derivative are taken as their asymptotes: 4e-8 away at most. */
  private static final float FLAT = 6;

  private static final float INV_SQRT_2PI = 0.398942280f;

  // m as a polynomial of u / 3 - 1, fitted for the least largest error of the two functions.
  private static final float M0 = 0.12151421f;
  private static final float M1 = -0.103197396f;
  private static final float M2 = 0.08240048f;
  private static final float M3 = -0.062570155f;
  private static final float M4 = 0.044603277f;
  private static final float M5 = -0.030379636f;
  private static final float M6 = 0.024437707f;
  private static final float M7 = -0.012793344f;
  private static final float M8 = -0.0008782363f;
  private static final float M9 = -0.0117537705f;
  private static final float M10 = 0.012030791f;
  private static final float M11 = 0.00813394f;
  private static final float M12 = -0.0017227831f;
  private static final float M13 = -0.0050541847f;

  private GeluErf() {}

  /** {@code out = gelu(x)} for n neighbours; out may be x. */
  public static void forward(float[] out, int o, float[] x, int i, int n) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector a = fromArray(f, x, i + k, rest);
      FloatVector u = a.abs();
      FloatVector h = u.mul(u).mul(-0.5f);

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();

      FloatVector v = u.fma(broadcast(f, 1 / 3f), broadcast(f, -1));
      FloatVector m = v.fma(broadcast(f, M13), broadcast(f, M12));
      m = m.fma(v, broadcast(f, M11)).fma(v, broadcast(f, M10));
      m = m.fma(v, broadcast(f, M9)).fma(v, broadcast(f, M8));
      m = m.fma(v, broadcast(f, M7)).fma(v, broadcast(f, M6));
      m = m.fma(v, broadcast(f, M5)).fma(v, broadcast(f, M4));
      m = m.fma(v, broadcast(f, M3)).fma(v, broadcast(f, M2));
      m = m.fma(v, broadcast(f, M1)).fma(v, broadcast(f, M0));

      FloatVector tail = e.mul(m).mul(u).blend(0, u.compare(GT, FLAT));
      FloatVector y = a.blend(0, a.compare(LT, 0)).sub(tail);
      if (k + f.length() <= n) {
        y.intoArray(out, o + k);
      } else {
        y.intoArray(out, o + k, rest);
      }
    }
  }

  /** {@code dx = dout * gelu'(x)} for n neighbours; dx may be dout or x. */
  public static void backward(float[] dx, int o, float[] dout, int d, float[] x, int i, int n) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector a = fromArray(f, x, i + k, rest);
      FloatVector u = a.abs();
      FloatVector h = u.mul(u).mul(-0.5f);

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();

      FloatVector v = u.fma(broadcast(f, 1 / 3f), broadcast(f, -1));
      FloatVector m = v.fma(broadcast(f, M13), broadcast(f, M12));
      m = m.fma(v, broadcast(f, M11)).fma(v, broadcast(f, M10));
      m = m.fma(v, broadcast(f, M9)).fma(v, broadcast(f, M8));
      m = m.fma(v, broadcast(f, M7)).fma(v, broadcast(f, M6));
      m = m.fma(v, broadcast(f, M5)).fma(v, broadcast(f, M4));
      m = m.fma(v, broadcast(f, M3)).fma(v, broadcast(f, M2));
      m = m.fma(v, broadcast(f, M1)).fma(v, broadcast(f, M0));

      FloatVector tail = u.fma(broadcast(f, -INV_SQRT_2PI), m).mul(e).blend(0, u.compare(GT, FLAT));
      FloatVector slope = tail.neg().add(1).blend(tail, a.compare(LT, 0));
      FloatVector y = fromArray(f, dout, d + k, rest).mul(slope);
      if (k + f.length() <= n) {
        y.intoArray(dx, o + k);
      } else {
        y.intoArray(dx, o + k, rest);
      }
    }
  }
}

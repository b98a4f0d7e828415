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
 * The tanh approximation of GELU, {@code x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2},
 * and its derivative.
 *
 * <p>As {@code (1 + tanh(s)) / 2 = 1 / (1 + exp(-2 s))}, both are computed at {@code u = |x|} from
 * {@code t = 1 / (1 + exp(2 s(u)))}, which loses nothing to cancellation: the function is {@code
 * max(x, 0) - u t}, and the derivative d satisfies {@code d(x) = 1 - d(-x)}.
 *
 * <p>The largest error is 9e-8 * max(1, |x|) for the function and 1.1e-7 for the derivative. NaN
 * gives NaN, infinity the limit. Loops as in {@link GeluErf}.
 */
public final class GeluTanh {
  /** Past this, function and derivative are taken as their asymptotes: 1e-8 away at most. */
  private static final float FLAT = 6;

  /** {@code 2 sqrt(2 / pi)}: 2 s(u) is {@code A u + B u^3}. */
  private static final float A = 1.59576912f;

  /** {@code A * 0.044715}. */
  private static final float B = 0.0713548163f;

  private GeluTanh() {}

  /** {@code out = gelu(x)} for n neighbours; out may be x. */
  public static void forward(float[] out, int o, float[] x, int i, int n) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector a = fromArray(f, x, i + k, rest);
      FloatVector u = a.abs();
      FloatVector h = u.mul(u.mul(u).fma(broadcast(f, -B), broadcast(f, -A)));

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();

      FloatVector tail = e.div(e.add(1)).mul(u).blend(0, u.compare(GT, FLAT));
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
      FloatVector square = u.mul(u);
      FloatVector h = u.mul(square.fma(broadcast(f, -B), broadcast(f, -A)));

      FloatVector rounded = h.fma(broadcast(f, LOG2_E), broadcast(f, ROUND));
      FloatVector w = rounded.sub(ROUND);
      FloatVector r = w.fma(broadcast(f, -LN2_REST), w.fma(broadcast(f, -LN2), h));
      FloatVector p = r.fma(broadcast(f, C4), broadcast(f, C3));
      p = p.fma(r, broadcast(f, C2)).fma(r, broadcast(f, C1)).fma(r, broadcast(f, C0));
      p = p.fma(r, broadcast(f, 1)).fma(r, broadcast(f, 1));
      IntVector exponent = rounded.reinterpretAsInts().lanewise(LSHL, EXPONENT_SHIFT);
      FloatVector e = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();

      FloatVector t = e.div(e.add(1));
      FloatVector rise = u.mul(square.fma(broadcast(f, 3 * B), broadcast(f, A)));
      FloatVector tail = t.sub(rise.mul(t).mul(t.neg().add(1))).blend(0, u.compare(GT, FLAT));
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

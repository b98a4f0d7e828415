package jambic.tensor.cpu;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.gemm.JoinedTensors;
import jambic.tensor.cpu.simd.LaneSum;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.OptimizerKernels;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * AdamW and clipping over all tensors at once: bound by memory, 28 and 4 bytes an element. So is
 * what Muon does between its products.
 */
final class CpuOptimizer implements OptimizerKernels, OptimizerKernels.NormPieces {
  /** Elements of one tensor that are worth a task. */
  private static final int PIECE = 16384;

  /** What the elements of an update are multiplied by, computed in double and rounded once. */
  private record Factors(
      float beta1,
      float rest1, // 1 - beta1
      float beta2,
      float rest2, // 1 - beta2
      float clip,
      float keep, // what decay leaves of a parameter
      float rate, // lr / c1
      float inverseC2,
      float eps) {}

  private final Workers workers;
  private final JoinedTensors joined;

  /** The sums of squares of the pieces. */
  private double[] sums = new double[0];

  CpuOptimizer(Workers workers) {
    this.workers = workers;
    joined = new JoinedTensors(workers);
  }

  @Override
  public void clipNorm(Tensor norm, Tensor scale, List<Tensor> grads, float maxNorm) {
    int pieces = JoinedTensors.pieces(grads);
    if (sums.length < pieces) {
      sums = new double[pieces];
    }
    sumSquares(sums, grads);
    double sum = 0;
    for (int i = 0; i < pieces; i++) {
      sum += sums[i];
    }
    float length = (float) Math.sqrt(sum);
    floats(norm)[offset(norm)] = length;
    floats(scale)[offset(scale)] = NormPieces.factor(length, maxNorm);
  }

  @Override
  public Optional<NormPieces> normPieces() {
    return Optional.of(this);
  }

  @Override
  public int size() {
    return JoinedTensors.PIECE;
  }

  @Override
  public void sumSquares(double[] partial, List<Tensor> grads) {
    Arrays.fill(partial, 0, JoinedTensors.pieces(grads), 0);
    joined.parallel(
        grads,
        (piece, worker, tensor, from, count) -> {
          Tensor grad = grads.get(tensor);
          float[] lanes = workers.scratch(worker, LaneSum.LENGTH);
          partial[piece] += sumSquares(floats(grad), offset(grad) + from, count, lanes);
        });
  }

  @Override
  public void adamW(
      List<Tensor> params,
      List<Tensor> ms,
      List<Tensor> vs,
      List<Tensor> grads,
      Tensor hyper,
      Tensor scale,
      double beta1,
      double beta2,
      float eps,
      float weightDecay) {
    float[] h = floats(hyper);
    int hi = offset(hyper);
    double lr = h[hi];
    Factors factors =
        new Factors(
            (float) beta1,
            (float) (1 - beta1),
            (float) beta2,
            (float) (1 - beta2),
            floats(scale)[offset(scale)],
            (float) (1 - lr * weightDecay),
            (float) (lr / h[hi + 1]),
            (float) (1.0 / h[hi + 2]),
            eps);
    joined.parallel(
        params,
        (piece, worker, tensor, from, count) -> {
          Tensor p = params.get(tensor);
          Tensor m = ms.get(tensor);
          Tensor v = vs.get(tensor);
          Tensor g = grads.get(tensor);
          adamW(
              floats(p),
              offset(p) + from,
              floats(m),
              offset(m) + from,
              floats(v),
              offset(v) + from,
              floats(g),
              offset(g) + from,
              count,
              factors);
        });
  }

  /** Four sums at once: one would wait for the latency of its own addition. */
  private static float sumSquares(float[] x, int i, int n, float[] lanes) {
    VectorSpecies<Float> f = Lanes.F;
    int length = f.length();
    FloatVector s0 = FloatVector.zero(f);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int k = 0;
    for (; k <= n - 4 * length; k += 4 * length) {
      FloatVector x0 = fromArray(f, x, i + k);
      FloatVector x1 = fromArray(f, x, i + k + length);
      FloatVector x2 = fromArray(f, x, i + k + 2 * length);
      FloatVector x3 = fromArray(f, x, i + k + 3 * length);
      s0 = x0.fma(x0, s0);
      s1 = x1.fma(x1, s1);
      s2 = x2.fma(x2, s2);
      s3 = x3.fma(x3, s3);
    }
    for (; k < n; k += length) {
      FloatVector x0 = fromArray(f, x, i + k, f.indexInRange(k, n));
      s0 = x0.fma(x0, s0);
    }
    s0.add(s1).add(s2.add(s3)).intoArray(lanes, 0);
    return LaneSum.of(lanes, 0);
  }

  private static void adamW(
      float[] p,
      int pi,
      float[] m,
      int mi,
      float[] v,
      int vi,
      float[] g,
      int gi,
      int n,
      Factors by) {
    VectorSpecies<Float> f = Lanes.F;
    for (int k = 0; k < n; k += f.length()) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      FloatVector grad = fromArray(f, g, gi + k, rest).mul(by.clip);
      FloatVector square = grad.mul(grad);
      FloatVector first = fromArray(f, m, mi + k, rest).mul(by.beta1);
      FloatVector second = fromArray(f, v, vi + k, rest).mul(by.beta2);
      first = grad.fma(broadcast(f, by.rest1), first);
      second = square.fma(broadcast(f, by.rest2), second);
      FloatVector root = second.mul(by.inverseC2).sqrt().add(by.eps);
      FloatVector old = fromArray(f, p, pi + k, rest).mul(by.keep);
      FloatVector updated = old.sub(first.mul(by.rate).div(root));
      if (k + f.length() <= n) {
        first.intoArray(m, mi + k);
        second.intoArray(v, vi + k);
        updated.intoArray(p, pi + k);
      } else {
        first.intoArray(m, mi + k, rest);
        second.intoArray(v, vi + k, rest);
        updated.intoArray(p, pi + k, rest);
      }
    }
  }

  @Override
  public void momentum(Tensor out, Tensor m, Tensor grad, Tensor scale, double beta) {
    float[] os = floats(out);
    float[] ms = floats(m);
    float[] gs = floats(grad);
    int oi = offset(out);
    int mi = offset(m);
    int gi = offset(grad);
    float clip = floats(scale)[offset(scale)];
    float kept = (float) beta;
    float rest = (float) (1 - beta);
    int size = (int) m.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          int n = Math.min(PIECE, size - from);
          momentum(os, oi + from, ms, mi + from, gs, gi + from, n, clip, kept, rest);
        });
  }

  private static void momentum(
      float[] out,
      int o,
      float[] m,
      int mi,
      float[] g,
      int gi,
      int n,
      float clip,
      float beta,
      float rest) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector share = broadcast(f, rest);
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector grad = fromArray(f, g, gi + k).mul(clip);
      FloatVector mean = grad.fma(share, fromArray(f, m, mi + k).mul(beta));
      mean.intoArray(m, mi + k);
      grad.fma(share, mean.mul(beta)).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector grad = fromArray(f, g, gi + k, tail).mul(clip);
      FloatVector mean = grad.fma(share, fromArray(f, m, mi + k, tail).mul(beta));
      mean.intoArray(m, mi + k, tail);
      grad.fma(share, mean.mul(beta)).intoArray(out, o + k, tail);
    }
  }

  @Override
  public void normalize(Tensor out, Tensor x, Tensor norm, float eps) {
    float[] os = floats(out);
    float[] xs = floats(x);
    int oi = offset(out);
    int xi = offset(x);
    float divisor = floats(norm)[offset(norm)] + eps;
    int size = (int) x.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          divide(os, oi + from, xs, xi + from, divisor, Math.min(PIECE, size - from));
        });
  }

  private static void divide(float[] out, int o, float[] x, int i, float divisor, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, x, i + k).div(divisor).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      fromArray(f, x, i + k, tail).div(divisor).intoArray(out, o + k, tail);
    }
  }

  @Override
  public void weightedSum(Tensor out, Tensor x, Tensor y, float a, float b) {
    sum(out, x, y, a, b);
  }

  @Override
  public void descend(
      Tensor param, Tensor direction, Tensor hyper, float factor, float weightDecay) {
    double lr = floats(hyper)[offset(hyper)];
    sum(param, param, direction, (float) (1 - lr * weightDecay), (float) (-lr * factor));
  }

  private void sum(Tensor out, Tensor x, Tensor y, float a, float b) {
    float[] os = floats(out);
    float[] xs = floats(x);
    float[] ys = floats(y);
    int oi = offset(out);
    int xi = offset(x);
    int yi = offset(y);
    int size = (int) x.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          int n = Math.min(PIECE, size - from);
          sum(os, oi + from, xs, xi + from, ys, yi + from, a, b, n);
        });
  }

  /** {@code out = a x + b y} for n neighbours; out may be either. */
  private static void sum(
      float[] out, int o, float[] x, int i, float[] y, int j, float a, float b, int n) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector factor = broadcast(f, b);
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector scaled = fromArray(f, x, i + k).mul(a);
      fromArray(f, y, j + k).fma(factor, scaled).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector scaled = fromArray(f, x, i + k, tail).mul(a);
      fromArray(f, y, j + k, tail).fma(factor, scaled).intoArray(out, o + k, tail);
    }
  }
}

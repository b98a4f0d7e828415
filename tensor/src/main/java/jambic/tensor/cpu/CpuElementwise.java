package jambic.tensor.cpu;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.FloatVector.fromArray;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.gemm.JoinedTensors;
import jambic.tensor.cpu.simd.DropoutMask;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.ElementwiseKernels;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Sums, products and dropout: bound by memory, but for the random numbers of dropout. */
final class CpuElementwise implements ElementwiseKernels {
  /** 64 KiB a tensor: about what a launch is worth. A multiple of {@link DropoutMask#GROUP}. */
  private static final int PIECE = 16384;

  /** As many dropout factors as stay in the first-level cache. */
  private static final int MASKED = 2048;

  private final Workers workers;
  private final JoinedTensors joined;

  CpuElementwise(Workers workers) {
    this.workers = workers;
    joined = new JoinedTensors(workers);
  }

  @Override
  public void fill(List<Tensor> outs, float value) {
    joined.parallel(
        outs,
        (piece, worker, tensor, from, count) -> {
          Tensor out = outs.get(tensor);
          int start = offset(out) + from;
          Arrays.fill(floats(out), start, start + count, value);
        });
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    float[] o = floats(out);
    float[] x = floats(a);
    float[] y = floats(b);
    int oi = offset(out);
    int xi = offset(a);
    int yi = offset(b);
    int size = (int) out.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          add(o, oi + from, x, xi + from, y, yi + from, Math.min(PIECE, size - from));
        });
  }

  @Override
  public void scale(Tensor out, Tensor x, float factor) {
    float[] o = floats(out);
    float[] a = floats(x);
    int oi = offset(out);
    int ai = offset(x);
    int size = (int) out.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          multiply(o, oi + from, a, ai + from, factor, Math.min(PIECE, size - from));
        });
  }

  @Override
  public void multiply(Tensor out, Tensor a, Tensor b) {
    float[] o = floats(out);
    float[] x = floats(a);
    float[] y = floats(b);
    int oi = offset(out);
    int xi = offset(a);
    int yi = offset(b);
    int size = (int) out.size();
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int from = index * PIECE;
          multiply(o, oi + from, x, xi + from, y, yi + from, Math.min(PIECE, size - from));
        });
  }

  @Override
  public void dropout(Tensor out, Tensor x, Dropout dropout) {
    float[] o = floats(out);
    float[] a = floats(x);
    int oi = offset(out);
    int ai = offset(x);
    int size = (int) out.size();
    DropoutMask mask = new DropoutMask(dropout);
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int end = Math.min(size, (index + 1) * PIECE);
          float[] factors = workers.scratch(worker, MASKED + 2 * DropoutMask.GROUP);
          for (int from = index * PIECE; from < end; from += MASKED) {
            int n = Math.min(MASKED, end - from);
            int first = dropout.isNone() ? 0 : mask.fill(factors, 0, from, n);
            if (dropout.isNone()) {
              System.arraycopy(a, ai + from, o, oi + from, n);
            } else {
              multiply(o, oi + from, a, ai + from, factors, first, n);
            }
          }
        });
  }

  @Override
  public void residual(Tensor out, Tensor x, Tensor y, Dropout dropout) {
    if (dropout.isNone()) {
      add(out, x, y);
      return;
    }
    float[] o = floats(out);
    float[] a = floats(x);
    float[] b = floats(y);
    int oi = offset(out);
    int ai = offset(x);
    int bi = offset(y);
    int size = (int) out.size();
    DropoutMask mask = new DropoutMask(dropout);
    workers.parallel(
        Math.ceilDiv(size, PIECE),
        (index, worker) -> {
          int end = Math.min(size, (index + 1) * PIECE);
          float[] factors = workers.scratch(worker, MASKED + 2 * DropoutMask.GROUP);
          for (int from = index * PIECE; from < end; from += MASKED) {
            int n = Math.min(MASKED, end - from);
            int first = mask.fill(factors, 0, from, n);
            multiplyAdd(o, oi + from, a, ai + from, b, bi + from, factors, first, n);
          }
        });
  }

  /** {@code out = x + y} for n neighbours; out may be either. */
  static void add(float[] out, int o, float[] x, int i, float[] y, int j, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, x, i + k).add(fromArray(f, y, j + k)).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, x, i + k, rest).add(fromArray(f, y, j + k, rest)).intoArray(out, o + k, rest);
    }
  }

  /** {@code out = factor * x} for n neighbours; out may be x. */
  static void multiply(float[] out, int o, float[] x, int i, float factor, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, x, i + k).mul(factor).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, x, i + k, rest).mul(factor).intoArray(out, o + k, rest);
    }
  }

  /** {@code out = factor * x + y}, rounded once. */
  static void multiplyAdd(
      float[] out, int o, float[] x, int i, float factor, float[] y, int j, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, x, i + k)
          .fma(FloatVector.broadcast(f, factor), fromArray(f, y, j + k))
          .intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, x, i + k, rest)
          .fma(FloatVector.broadcast(f, factor), fromArray(f, y, j + k, rest))
          .intoArray(out, o + k, rest);
    }
  }

  private static void multiply(float[] out, int o, float[] x, int i, float[] y, int j, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, x, i + k).mul(fromArray(f, y, j + k)).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, x, i + k, rest).mul(fromArray(f, y, j + k, rest)).intoArray(out, o + k, rest);
    }
  }

  private static void multiplyAdd(
      float[] out, int o, float[] x, int i, float[] y, int j, float[] factors, int l, int n) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      fromArray(f, y, j + k)
          .fma(fromArray(f, factors, l + k), fromArray(f, x, i + k))
          .intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> rest = f.indexInRange(k, n);
      fromArray(f, y, j + k, rest)
          .fma(fromArray(f, factors, l + k, rest), fromArray(f, x, i + k, rest))
          .intoArray(out, o + k, rest);
    }
  }
}

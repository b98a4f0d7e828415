package jambic.tensor.cpu;

import static jambic.tensor.host.HostStorage.bytes;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.gemm.Gemm;
import jambic.tensor.cpu.gemm.Int8Dots;
import jambic.tensor.cpu.gemm.Matrix;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.QuantizedKernels;

/**
 * Weights in 8 bits: {@link Int8Dots} for a few rows, which are bound by reading the weights; for
 * many rows the weights are widened some at a time and {@link Gemm} multiplies, which widening
 * hardly slows.
 */
final class CpuQuantized implements QuantizedKernels {
  private static final int LARGEST = 127;

  /** Weights that are widened at a time, about: what the third-level cache holds. */
  private static final int BLOCK = 1 << 20;

  /** Elements of a piece of work. */
  private static final int PIECE = 1 << 15;

  private static final float[] NO_BIAS = {};

  private final Workers workers;
  private final Int8Dots dots;
  private final Gemm gemm;
  private float[] widened = {};

  CpuQuantized(Workers workers) {
    this.workers = workers;
    dots = new Int8Dots(workers);
    gemm = new Gemm(workers);
  }

  @Override
  public void quantize(Tensor out, Tensor scales, Tensor w) {
    rows(
        w.dim(0),
        w.dim(1),
        i ->
            floats(scales)[offset(scales) + i] =
                quantize(
                    bytes(out),
                    offset(out) + i * w.dim(1),
                    floats(w),
                    offset(w) + i * w.dim(1),
                    w.dim(1)));
  }

  private static float quantize(byte[] out, int o, float[] w, int at, int n) {
    float max = 0;
    for (int j = at; j < at + n; j++) {
      max = Math.max(max, Math.abs(w[j]));
    }
    float scale = max / LARGEST;
    for (int j = 0; j < n; j++) {
      double steps = Math.rint((double) w[at + j] / scale);
      out[o + j] = scale == 0 ? 0 : (byte) Math.clamp(steps, -LARGEST, LARGEST);
    }
    return scale;
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor w, Tensor scales, Tensor b) {
    int n = w.dim(0);
    int k = w.dim(1);
    int m = (int) (out.size() / n);
    Matrix outs = Matrix.of(floats(out), offset(out), m, n);
    Matrix xs = Matrix.of(floats(x), offset(x), m, k);
    float[] bias = b.isNone() ? NO_BIAS : floats(b);
    int biasOffset = b.isNone() ? -1 : offset(b);
    if (m <= Int8Dots.MAX_ROWS) {
      dots.multiply(
          outs, xs, bytes(w), offset(w), floats(scales), offset(scales), bias, biasOffset);
      return;
    }
    int block = Math.clamp(BLOCK / Math.max(1, k), 1, n);
    if (widened.length < block * k) {
      widened = new float[block * k];
    }
    for (int from = 0; from < n; from += block) {
      int first = from;
      int count = Math.min(block, n - from);
      rows(count, k, i -> widen(widened, i * k, w, scales, first + i));
      Matrix part = new Matrix(outs.data(), outs.at(0, first), m, count, n, false);
      Matrix weights = Matrix.of(widened, 0, count, k).transpose();
      if (b.isNone()) {
        gemm.multiply(part, xs, weights, false);
      } else {
        gemm.multiply(part, xs, weights, bias, biasOffset + first);
      }
    }
  }

  @Override
  public void embed(Tensor out, Tensor ids, Tensor wte, Tensor scales, Tensor wpe, Tensor starts) {
    Indices.requireIds("embed", ids, wte.dim(0));
    if (!wpe.isNone()) {
      Indices.requirePositions("embed", starts, ids.dim(-1), wpe.dim(0));
    }
    int c = wte.dim(-1);
    int t = ids.dim(-1);
    rows(
        (int) ids.size(),
        c,
        i -> {
          int o = offset(out) + i * c;
          widen(floats(out), o, wte, scales, ints(ids)[offset(ids) + i]);
          if (!wpe.isNone()) {
            int start = starts.isNone() ? 0 : ints(starts)[offset(starts) + i / t];
            int position = offset(wpe) + (start + i % t) * c;
            CpuElementwise.add(floats(out), o, floats(out), o, floats(wpe), position, c);
          }
        });
  }

  /** Row {@code i} of quantized weights as floats. */
  private static void widen(float[] to, int at, Tensor w, Tensor scales, int i) {
    int n = w.dim(-1);
    widen(to, at, bytes(w), offset(w) + i * n, n, floats(scales)[offset(scales) + i]);
  }

  private static void widen(float[] to, int at, byte[] from, int start, int n, float scale) {
    for (int j = 0; j < n; j++) {
      to[at + j] = scale * from[start + j];
    }
  }

  private interface Row {
    void compute(int i);
  }

  private void rows(int count, int width, Row row) {
    int perPiece = Math.ceilDiv(PIECE, Math.max(1, width));
    workers.parallel(
        Math.ceilDiv(count, perPiece),
        (index, worker) -> {
          int end = Math.min(count, (index + 1) * perPiece);
          for (int i = index * perPiece; i < end; i++) {
            row.compute(i);
          }
        });
  }
}

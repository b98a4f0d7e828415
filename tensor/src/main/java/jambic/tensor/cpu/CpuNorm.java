package jambic.tensor.cpu;

import static jambic.tensor.cpu.CpuElementwise.add;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import jambic.tensor.Tensor;
import jambic.tensor.spi.NormKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Layer normalization, a row at a time while it is in the first-level cache: bound by memory when
 * the tensors are not cached.
 */
final class CpuNorm implements NormKernels {
  /** Elements of a piece of the forward pass. */
  private static final int PIECE = 8192;

  /** The gradients of g and b are summed in at most so many blocks of rows, then block by block. */
  private static final int BLOCKS = 64;

  private final Workers workers;

  /** The sums of each block: C numbers for g, then C for b. */
  private float[] partial = new float[0];

  private float[] zeros = new float[0];

  CpuNorm(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void forward(
      Tensor out, Tensor mean, Tensor rstd, Tensor x, Tensor g, Tensor b, float eps) {
    int c = x.dim(-1);
    int rows = x.shape().rows();
    float[] shift = b.isNone() ? zeros(c) : floats(b);
    int shiftStart = b.isNone() ? 0 : offset(b);
    int rowsPerPiece = Math.ceilDiv(PIECE, c);
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          float[] a = floats(x);
          float[] lanes = workers.scratch(worker, 2 * LaneSum.LENGTH);
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            int i = offset(x) + r * c;
            float rough = sum(a, i, c, lanes) / c;
            deviations(lanes, a, i, c, rough);
            float rest = LaneSum.of(lanes, 0) / c;
            float variance = LaneSum.of(lanes, LaneSum.LENGTH) / c - rest * rest;
            float scale = (float) (1 / Math.sqrt(variance + eps));
            floats(mean)[offset(mean) + r] = rough + rest;
            floats(rstd)[offset(rstd) + r] = scale;
            int o = offset(out) + r * c;
            normalize(
                floats(out),
                o,
                a,
                i,
                c,
                rough,
                rest,
                scale,
                floats(g),
                offset(g),
                shift,
                shiftStart);
          }
        });
  }

  @Override
  public void backward(
      Tensor dx,
      Tensor dg,
      Tensor db,
      Tensor dout,
      Tensor x,
      Tensor g,
      Tensor mean,
      Tensor rstd,
      boolean accumulate) {
    int c = x.dim(-1);
    int rows = x.shape().rows();
    int padded = Math.ceilDiv(c, LaneSum.LENGTH) * LaneSum.LENGTH;
    int rowsPerBlock = Math.max(Math.ceilDiv(PIECE, c), Math.ceilDiv(rows, BLOCKS));
    int blocks = Math.ceilDiv(rows, rowsPerBlock);
    if (partial.length < blocks * 2 * padded) {
      partial = new float[blocks * 2 * padded];
    }
    float[] sums = partial;
    float[] none = zeros(c);
    workers.parallel(
        blocks,
        (index, worker) -> {
          float[] lanes = workers.scratch(worker, 2 * LaneSum.LENGTH);
          int dgSum = index * 2 * padded;
          int dbSum = dgSum + padded;
          Arrays.fill(sums, dgSum, dbSum + padded, 0);
          int end = Math.min(rows, (index + 1) * rowsPerBlock);
          for (int r = index * rowsPerBlock; r < end; r++) {
            float[] d = floats(dout);
            float[] a = floats(x);
            float[] gain = floats(g);
            int di = offset(dout) + r * c;
            int ai = offset(x) + r * c;
            int gi = offset(g);
            float mu = floats(mean)[offset(mean) + r];
            float scale = floats(rstd)[offset(rstd) + r];
            sums(sums, dgSum, dbSum, lanes, d, di, a, ai, gain, gi, c, mu, scale);
            float s1 = LaneSum.of(lanes, 0) / c;
            float s2 = LaneSum.of(lanes, LaneSum.LENGTH) / c;
            int o = offset(dx) + r * c;
            float[] base = accumulate ? floats(dx) : none;
            int bi = accumulate ? o : 0;
            rowGradient(floats(dx), o, base, bi, d, di, a, ai, gain, gi, c, mu, scale, s1, s2);
          }
        });
    for (int block = 0; block < blocks; block++) {
      if (!dg.isNone()) {
        add(floats(dg), offset(dg), floats(dg), offset(dg), sums, block * 2 * padded, c);
      }
      if (!db.isNone()) {
        add(floats(db), offset(db), floats(db), offset(db), sums, (block * 2 + 1) * padded, c);
      }
    }
  }

  private static float sum(float[] x, int i, int n, float[] lanes) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector sum = FloatVector.zero(f);
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      sum = sum.add(fromArray(f, x, i + k));
    }
    if (k < n) {
      sum = sum.add(fromArray(f, x, i + k, f.indexInRange(k, n)));
    }
    sum.intoArray(lanes, 0);
    return LaneSum.of(lanes, 0);
  }

  /**
   * Leaves in {@code lanes} the vectors whose lanes add up to the sums of {@code x - rough} and of
   * its square. The first is what the rounding of {@code rough} left out: without it, a row of
   * nearly equal numbers would lose digits, as its deviations are scaled up.
   */
  private static void deviations(float[] lanes, float[] x, int i, int n, float rough) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector sum = FloatVector.zero(f);
    FloatVector squares = sum;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector d = fromArray(f, x, i + k).sub(rough);
      sum = sum.add(d);
      squares = d.fma(d, squares);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector d = fromArray(f, x, i + k, tail).sub(rough, tail);
      sum = sum.add(d);
      squares = d.fma(d, squares);
    }
    sum.intoArray(lanes, 0);
    squares.intoArray(lanes, f.length());
  }

  /** {@code out = (x - rough - rest) * rstd * g + b}. */
  private static void normalize(
      float[] out,
      int o,
      float[] x,
      int i,
      int n,
      float rough,
      float rest,
      float rstd,
      float[] g,
      int gi,
      float[] b,
      int bi) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector xhat = fromArray(f, x, i + k).sub(rough).sub(rest).mul(rstd);
      xhat.fma(fromArray(f, g, gi + k), fromArray(f, b, bi + k)).intoArray(out, o + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector xhat = fromArray(f, x, i + k, tail).sub(rough).sub(rest).mul(rstd);
      xhat.fma(fromArray(f, g, gi + k, tail), fromArray(f, b, bi + k, tail))
          .intoArray(out, o + k, tail);
    }
  }

  /**
   * Adds a row's part of dg and db to their sums, and leaves in {@code lanes} the vectors whose
   * lanes add up to the sums over the row of {@code dout * g} and {@code dout * g * xhat}.
   */
  private static void sums(
      float[] sums,
      int dgSum,
      int dbSum,
      float[] lanes,
      float[] dout,
      int d,
      float[] x,
      int i,
      float[] g,
      int gi,
      int n,
      float mean,
      float rstd) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector s1 = FloatVector.zero(f);
    FloatVector s2 = s1;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector dy = fromArray(f, dout, d + k);
      FloatVector xhat = fromArray(f, x, i + k).sub(mean).mul(rstd);
      FloatVector dyg = dy.mul(fromArray(f, g, gi + k));
      s1 = s1.add(dyg);
      s2 = dyg.fma(xhat, s2);
      dy.fma(xhat, fromArray(f, sums, dgSum + k)).intoArray(sums, dgSum + k);
      dy.add(fromArray(f, sums, dbSum + k)).intoArray(sums, dbSum + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector dy = fromArray(f, dout, d + k, tail);
      FloatVector xhat = fromArray(f, x, i + k, tail).sub(mean).mul(rstd);
      FloatVector dyg = dy.mul(fromArray(f, g, gi + k, tail));
      s1 = s1.add(dyg);
      s2 = dyg.fma(xhat, s2);
      dy.fma(xhat, fromArray(f, sums, dgSum + k)).intoArray(sums, dgSum + k); // padded: no mask
      dy.add(fromArray(f, sums, dbSum + k)).intoArray(sums, dbSum + k);
    }
    s1.intoArray(lanes, 0);
    s2.intoArray(lanes, f.length());
  }

  /** {@code dx = base + rstd * (dout * g - s1 - xhat * s2)}. */
  private static void rowGradient(
      float[] dx,
      int o,
      float[] base,
      int bi,
      float[] dout,
      int d,
      float[] x,
      int i,
      float[] g,
      int gi,
      int n,
      float mean,
      float rstd,
      float s1,
      float s2) {
    VectorSpecies<Float> f = Lanes.F;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector xhat = fromArray(f, x, i + k).sub(mean).mul(rstd);
      FloatVector dyg = fromArray(f, dout, d + k).mul(fromArray(f, g, gi + k)).sub(s1);
      xhat.fma(broadcast(f, -s2), dyg)
          .fma(broadcast(f, rstd), fromArray(f, base, bi + k))
          .intoArray(dx, o + k);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector xhat = fromArray(f, x, i + k, tail).sub(mean).mul(rstd);
      FloatVector dyg = fromArray(f, dout, d + k, tail).mul(fromArray(f, g, gi + k, tail)).sub(s1);
      xhat.fma(broadcast(f, -s2), dyg)
          .fma(broadcast(f, rstd), fromArray(f, base, bi + k, tail))
          .intoArray(dx, o + k, tail);
    }
  }

  /** The bias of a normalization without one, and what an overwritten gradient is added to. */
  private float[] zeros(int c) {
    if (zeros.length < c) {
      zeros = new float[c];
    }
    return zeros;
  }
}

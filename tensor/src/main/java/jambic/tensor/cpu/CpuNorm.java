package jambic.tensor.cpu;

import static jambic.tensor.cpu.CpuElementwise.add;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.LaneSum;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.NormKernels;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Layer normalization, some rows at a time while they are in the first-level cache: bound by memory
 * when the tensors are not cached.
 */
final class CpuNorm implements NormKernels {
  /** The fewest elements of a piece: a microsecond or two. */
  private static final int PIECE = 4096;

  /** At most so many pieces; the gradients of g and b are summed in each, then piece by piece. */
  private static final int PIECES = 64;

  /**
   * Rows that pass through a stage of the forward pass together, for the sums of one to hide how
   * long those of another take. Memory is read in order, which is what the processor foresees.
   */
  private static final int ROWS = 4;

  /** How many floats two vectors of each of these rows are. */
  private static final int SUMS = ROWS * 2 * LaneSum.LENGTH;

  private final Workers workers;

  /** The sums of each piece: C numbers for g, then C for b. */
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
    int rowsPerPiece = rowsPerPiece(rows, c);
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          float[] a = floats(x);
          float[] lanes = workers.scratch(worker, SUMS + ROWS);
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int first = index * rowsPerPiece; first < end; first += ROWS) {
            int count = Math.min(ROWS, end - first);
            for (int i = 0; i < count; i++) {
              sum(lanes, i * LaneSum.LENGTH, a, offset(x) + (first + i) * c, c);
            }
            for (int i = 0; i < count; i++) {
              lanes[SUMS + i] = LaneSum.of(lanes, i * LaneSum.LENGTH) / c;
            }
            deviations(lanes, a, offset(x) + first * c, c, count);
            for (int i = 0; i < count; i++) {
              int r = first + i;
              float rough = lanes[SUMS + i];
              float rest = LaneSum.of(lanes, 2 * i * LaneSum.LENGTH) / c;
              float variance = LaneSum.of(lanes, (2 * i + 1) * LaneSum.LENGTH) / c - rest * rest;
              float scale = (float) (1 / Math.sqrt(variance + eps));
              floats(mean)[offset(mean) + r] = rough + rest;
              floats(rstd)[offset(rstd) + r] = scale;
              normalize(
                  floats(out),
                  offset(out) + r * c,
                  a,
                  offset(x) + r * c,
                  c,
                  rough,
                  rest,
                  scale,
                  floats(g),
                  offset(g),
                  shift,
                  shiftStart);
            }
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
    int rowsPerPiece = rowsPerPiece(rows, c);
    int pieces = Math.ceilDiv(rows, rowsPerPiece);
    if (partial.length < pieces * 2 * padded) {
      partial = new float[pieces * 2 * padded];
    }
    float[] sums = partial;
    float[] none = zeros(c);
    workers.parallel(
        pieces,
        (index, worker) -> {
          float[] lanes = workers.scratch(worker, 2 * LaneSum.LENGTH);
          float[] d = floats(dout);
          float[] a = floats(x);
          float[] gain = floats(g);
          float[] means = floats(mean);
          float[] scales = floats(rstd);
          int gi = offset(g);
          int dgSum = index * 2 * padded;
          int dbSum = dgSum + padded;
          Arrays.fill(sums, dgSum, dbSum + padded, 0);
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            int di = offset(dout) + r * c;
            int ai = offset(x) + r * c;
            float mu = means[offset(mean) + r];
            float scale = scales[offset(rstd) + r];
            sums(sums, dgSum, dbSum, lanes, d, di, a, ai, gain, gi, c, mu, scale);
            float s1 = LaneSum.of(lanes, 0) / c;
            float s2 = LaneSum.of(lanes, LaneSum.LENGTH) / c;
            int o = offset(dx) + r * c;
            float[] base = accumulate ? floats(dx) : none;
            int bi = accumulate ? o : 0;
            rowGradient(floats(dx), o, base, bi, d, di, a, ai, gain, gi, c, mu, scale, s1, s2);
          }
        });
    for (int piece = 0; piece < pieces; piece++) {
      if (!dg.isNone()) {
        add(floats(dg), offset(dg), floats(dg), offset(dg), sums, piece * 2 * padded, c);
      }
      if (!db.isNone()) {
        add(floats(db), offset(db), floats(db), offset(db), sums, (piece * 2 + 1) * padded, c);
      }
    }
  }

  /** A multiple of ROWS. */
  private static int rowsPerPiece(int rows, int c) {
    int fewest = Math.max(Math.ceilDiv(PIECE, c), Math.ceilDiv(rows, PIECES));
    return Math.ceilDiv(fewest, ROWS) * ROWS;
  }

  /** Leaves in {@code lanes} a vector, the lanes of which add up to the sum of a row. */
  private static void sum(float[] lanes, int to, float[] x, int i, int n) {
    VectorSpecies<Float> f = Lanes.F;
    FloatVector sum = FloatVector.zero(f);
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      sum = sum.add(fromArray(f, x, i + k));
    }
    if (k < n) {
      sum = sum.add(fromArray(f, x, i + k, f.indexInRange(k, n)));
    }
    sum.intoArray(lanes, to);
  }

  /**
   * Leaves in {@code lanes} two vectors for each of ROWS rows, the lanes of which add up to the
   * sums of {@code x - rough} and of its square, where {@code rough} follows in {@code lanes}. The
   * first is what the rounding of {@code rough} left out: without it, a row of nearly equal numbers
   * would lose digits, as its deviations are scaled up. Rows past {@code count} repeat the last
   * one.
   */
  private static void deviations(float[] lanes, float[] x, int i, int n, int count) {
    VectorSpecies<Float> f = Lanes.F;
    int i1 = i + Math.min(1, count - 1) * n;
    int i2 = i + Math.min(2, count - 1) * n;
    int i3 = i + Math.min(3, count - 1) * n;
    FloatVector rough0 = broadcast(f, lanes[SUMS]);
    FloatVector rough1 = broadcast(f, lanes[SUMS + 1]);
    FloatVector rough2 = broadcast(f, lanes[SUMS + 2]);
    FloatVector rough3 = broadcast(f, lanes[SUMS + 3]);
    FloatVector sum0 = FloatVector.zero(f);
    FloatVector sum1 = sum0;
    FloatVector sum2 = sum0;
    FloatVector sum3 = sum0;
    FloatVector squares0 = sum0;
    FloatVector squares1 = sum0;
    FloatVector squares2 = sum0;
    FloatVector squares3 = sum0;
    int k = 0;
    for (; k < f.loopBound(n); k += f.length()) {
      FloatVector d0 = fromArray(f, x, i + k).sub(rough0);
      FloatVector d1 = fromArray(f, x, i1 + k).sub(rough1);
      FloatVector d2 = fromArray(f, x, i2 + k).sub(rough2);
      FloatVector d3 = fromArray(f, x, i3 + k).sub(rough3);
      sum0 = sum0.add(d0);
      sum1 = sum1.add(d1);
      sum2 = sum2.add(d2);
      sum3 = sum3.add(d3);
      squares0 = d0.fma(d0, squares0);
      squares1 = d1.fma(d1, squares1);
      squares2 = d2.fma(d2, squares2);
      squares3 = d3.fma(d3, squares3);
    }
    if (k < n) {
      VectorMask<Float> tail = f.indexInRange(k, n);
      FloatVector d0 = fromArray(f, x, i + k, tail).sub(rough0, tail);
      FloatVector d1 = fromArray(f, x, i1 + k, tail).sub(rough1, tail);
      FloatVector d2 = fromArray(f, x, i2 + k, tail).sub(rough2, tail);
      FloatVector d3 = fromArray(f, x, i3 + k, tail).sub(rough3, tail);
      sum0 = sum0.add(d0);
      sum1 = sum1.add(d1);
      sum2 = sum2.add(d2);
      sum3 = sum3.add(d3);
      squares0 = d0.fma(d0, squares0);
      squares1 = d1.fma(d1, squares1);
      squares2 = d2.fma(d2, squares2);
      squares3 = d3.fma(d3, squares3);
    }
    sum0.intoArray(lanes, 0);
    squares0.intoArray(lanes, f.length());
    sum1.intoArray(lanes, 2 * f.length());
    squares1.intoArray(lanes, 3 * f.length());
    sum2.intoArray(lanes, 4 * f.length());
    squares2.intoArray(lanes, 5 * f.length());
    sum3.intoArray(lanes, 6 * f.length());
    squares3.intoArray(lanes, 7 * f.length());
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
   * Adds a row's part of dg and db to their sums, and leaves in {@code lanes} two vectors, the
   * lanes of which add up to the sums over the row of {@code dout * g} and {@code dout * g * xhat}.
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

package jambic.tensor.cpu.gemm;

import static jdk.incubator.vector.VectorOperators.B2F;

import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Dots} with weights of 8 bits: {@code c (m, n) = a (m, k) (scales w (n, k))ᵀ + bias}. Bytes
 * become floats in registers, which costs two instructions a vector and, on two cores, still less
 * than reading the bytes: the memory is what limits it, with a quarter of the traffic.
 */
public final class Int8Dots {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();
  private static final FloatVector LOW = Lanes.LOW;
  private static final FloatVector HIGH = Lanes.HIGH;

  /** As many bytes as there are floats, but at least 8: there is no narrower vector. */
  private static final VectorSpecies<Byte> B =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, L * Byte.SIZE)));

  /** The most rows of {@code a} for which this is faster than widening the weights. */
  public static final int MAX_ROWS = 8;

  /** Rows of weights in a tile. */
  private static final int TILE = 4;

  private final Workers workers;
  private final Workers.Task task = this::multiplyPiece;

  private Matrix c;
  private Matrix a;
  private byte[] w;
  private int wOffset;
  private float[] scales;
  private int scalesOffset;
  private float[] bias;
  private int biasOffset;
  private int pieceRows;

  /**
   * Creates the kernel.
   *
   * @param workers who computes
   */
  public Int8Dots(Workers workers) {
    this.workers = workers;
  }

  /**
   * {@code c = a (scales w)ᵀ}, plus the bias when there is one.
   *
   * @param w {@code (n, k)} from {@code wOffset} on
   * @param scales row {@code j} of {@code w} counts {@code scales[scalesOffset + j]} times
   * @param bias element {@code j} is {@code bias[biasOffset + j]}
   * @param biasOffset negative when there is no bias
   */
  public void multiply(
      Matrix c,
      Matrix a,
      byte[] w,
      int wOffset,
      float[] scales,
      int scalesOffset,
      float[] bias,
      int biasOffset) {
    assert !c.transposed() && !a.transposed();
    this.c = c;
    this.a = a;
    this.w = w;
    this.wOffset = wOffset;
    this.scales = scales;
    this.scalesOffset = scalesOffset;
    this.bias = bias;
    this.biasOffset = biasOffset;
    pieceRows = Dots.pieceRows(c.columns(), a.columns(), workers.threads());
    workers.parallel(Math.ceilDiv(c.columns(), pieceRows), task);
  }

  private void multiplyPiece(int piece, int worker) {
    int from = piece * pieceRows;
    int end = Math.min(from + pieceRows, c.columns());
    int m = a.rows();
    int k = a.columns();
    float[] as = a.data();
    float[] sums = workers.scratch(worker, TILE * L);
    int last = end - 1; // a tile at the edge repeats the last row
    int quarter = Math.ceilDiv(end - from, TILE);
    for (int j = from; j < from + quarter; j++) {
      int w0 = wOffset + j * k;
      int w1 = wOffset + Math.min(last, j + quarter) * k;
      int w2 = wOffset + Math.min(last, j + 2 * quarter) * k;
      int w3 = wOffset + Math.min(last, j + 3 * quarter) * k;
      for (int i = 0; i < m; ) {
        int height = Math.min(2, m - i);
        if (height == 2) {
          two(k, as, a.at(i, 0), a.at(i + 1, 0), w, w0, w1, w2, w3, sums);
        } else {
          one(k, as, a.at(i, 0), w, w0, w1, w2, w3, sums);
        }
        store(i, height, j, quarter, end, sums);
        i += height;
      }
    }
  }

  private void store(int i, int height, int first, int quarter, int end, float[] sums) {
    float[] out = c.data();
    for (int x = 0; x < TILE; x++) {
      int j = first + x * quarter;
      if (j >= end) {
        return;
      }
      float scale = scales[scalesOffset + j];
      float plus = biasOffset < 0 ? 0 : bias[biasOffset + j];
      for (int y = 0; y < height; y++) {
        float sum = 0;
        for (int lane = x; lane < L; lane += TILE) {
          sum += sums[y * L + lane];
        }
        out[c.at(i + y, j)] = scale * sum + plus;
      }
    }
  }

  // As in Dots, but that a vector of bytes may have more lanes than one of floats: then the last
  // ones are read under a mask, too.

  private static void one(
      int k, float[] a, int a0, byte[] w, int w0, int w1, int w2, int w3, float[] sums) {
    FloatVector c0 = FloatVector.zero(F);
    FloatVector c1 = FloatVector.zero(F);
    FloatVector c2 = FloatVector.zero(F);
    FloatVector c3 = FloatVector.zero(F);
    int p = 0;
    for (; p <= k - B.length(); p += L) {
      FloatVector x = FloatVector.fromArray(F, a, a0 + p);
      c0 = ((FloatVector) ByteVector.fromArray(B, w, w0 + p).convertShape(B2F, F, 0)).fma(x, c0);
      c1 = ((FloatVector) ByteVector.fromArray(B, w, w1 + p).convertShape(B2F, F, 0)).fma(x, c1);
      c2 = ((FloatVector) ByteVector.fromArray(B, w, w2 + p).convertShape(B2F, F, 0)).fma(x, c2);
      c3 = ((FloatVector) ByteVector.fromArray(B, w, w3 + p).convertShape(B2F, F, 0)).fma(x, c3);
    }
    for (; p < k; p += L) {
      VectorMask<Float> rest = F.indexInRange(p, k);
      VectorMask<Byte> bytes = B.indexInRange(p, k);
      FloatVector x = FloatVector.fromArray(F, a, a0 + p, rest);
      c0 =
          ((FloatVector) ByteVector.fromArray(B, w, w0 + p, bytes).convertShape(B2F, F, 0))
              .fma(x, c0);
      c1 =
          ((FloatVector) ByteVector.fromArray(B, w, w1 + p, bytes).convertShape(B2F, F, 0))
              .fma(x, c1);
      c2 =
          ((FloatVector) ByteVector.fromArray(B, w, w2 + p, bytes).convertShape(B2F, F, 0))
              .fma(x, c2);
      c3 =
          ((FloatVector) ByteVector.fromArray(B, w, w3 + p, bytes).convertShape(B2F, F, 0))
              .fma(x, c3);
    }
    FloatVector r = LOW.selectFrom(c0, c2).add(HIGH.selectFrom(c0, c2));
    FloatVector s = LOW.selectFrom(c1, c3).add(HIGH.selectFrom(c1, c3));
    LOW.selectFrom(r, s).add(HIGH.selectFrom(r, s)).intoArray(sums, 0);
  }

  private static void two(
      int k, float[] a, int a0, int a1, byte[] w, int w0, int w1, int w2, int w3, float[] sums) {
    FloatVector c00 = FloatVector.zero(F);
    FloatVector c01 = FloatVector.zero(F);
    FloatVector c02 = FloatVector.zero(F);
    FloatVector c03 = FloatVector.zero(F);
    FloatVector c10 = FloatVector.zero(F);
    FloatVector c11 = FloatVector.zero(F);
    FloatVector c12 = FloatVector.zero(F);
    FloatVector c13 = FloatVector.zero(F);
    int p = 0;
    for (; p <= k - B.length(); p += L) {
      FloatVector x0 = FloatVector.fromArray(F, a, a0 + p);
      FloatVector x1 = FloatVector.fromArray(F, a, a1 + p);
      FloatVector y0 = ((FloatVector) ByteVector.fromArray(B, w, w0 + p).convertShape(B2F, F, 0));
      c00 = x0.fma(y0, c00);
      c10 = x1.fma(y0, c10);
      FloatVector y1 = ((FloatVector) ByteVector.fromArray(B, w, w1 + p).convertShape(B2F, F, 0));
      c01 = x0.fma(y1, c01);
      c11 = x1.fma(y1, c11);
      FloatVector y2 = ((FloatVector) ByteVector.fromArray(B, w, w2 + p).convertShape(B2F, F, 0));
      c02 = x0.fma(y2, c02);
      c12 = x1.fma(y2, c12);
      FloatVector y3 = ((FloatVector) ByteVector.fromArray(B, w, w3 + p).convertShape(B2F, F, 0));
      c03 = x0.fma(y3, c03);
      c13 = x1.fma(y3, c13);
    }
    for (; p < k; p += L) {
      VectorMask<Float> rest = F.indexInRange(p, k);
      VectorMask<Byte> bytes = B.indexInRange(p, k);
      FloatVector x0 = FloatVector.fromArray(F, a, a0 + p, rest);
      FloatVector x1 = FloatVector.fromArray(F, a, a1 + p, rest);
      FloatVector y0 =
          ((FloatVector) ByteVector.fromArray(B, w, w0 + p, bytes).convertShape(B2F, F, 0));
      c00 = x0.fma(y0, c00);
      c10 = x1.fma(y0, c10);
      FloatVector y1 =
          ((FloatVector) ByteVector.fromArray(B, w, w1 + p, bytes).convertShape(B2F, F, 0));
      c01 = x0.fma(y1, c01);
      c11 = x1.fma(y1, c11);
      FloatVector y2 =
          ((FloatVector) ByteVector.fromArray(B, w, w2 + p, bytes).convertShape(B2F, F, 0));
      c02 = x0.fma(y2, c02);
      c12 = x1.fma(y2, c12);
      FloatVector y3 =
          ((FloatVector) ByteVector.fromArray(B, w, w3 + p, bytes).convertShape(B2F, F, 0));
      c03 = x0.fma(y3, c03);
      c13 = x1.fma(y3, c13);
    }
    FloatVector r0 = LOW.selectFrom(c00, c02).add(HIGH.selectFrom(c00, c02));
    FloatVector s0 = LOW.selectFrom(c01, c03).add(HIGH.selectFrom(c01, c03));
    LOW.selectFrom(r0, s0).add(HIGH.selectFrom(r0, s0)).intoArray(sums, 0);
    FloatVector r1 = LOW.selectFrom(c10, c12).add(HIGH.selectFrom(c10, c12));
    FloatVector s1 = LOW.selectFrom(c11, c13).add(HIGH.selectFrom(c11, c13));
    LOW.selectFrom(r1, s1).add(HIGH.selectFrom(r1, s1)).intoArray(sums, L);
  }
}

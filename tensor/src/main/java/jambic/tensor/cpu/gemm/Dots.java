package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The product with few rows, {@code c (m, n) = a (m, k) w (n, k)ᵀ + bias}, which a decoding step
 * needs: the weights are read once, in place and along their rows, and that is all the time it
 * takes. Four rows of weights meet one, two or four rows of {@code a} at a time; the sums of a tile
 * lie along the lanes and are added up at its end.
 *
 * <p>The four rows are a quarter of a piece apart, so that a thread reads four long streams. Four
 * rows in a row halve the bandwidth, because each of them ends before it is fetched ahead.
 */
public final class Dots {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final int L = F.length();
  private static final FloatVector LOW = Lanes.LOW;
  private static final FloatVector HIGH = Lanes.HIGH;

  /** Rows of weights in a tile. */
  private static final int TILE = 4;

  /** Pieces of work for each thread: long streams, and a short wait for the last piece. */
  private static final int PIECES = 4;

  /** The least weights of a piece, some ten microseconds of reading, and the most. */
  private static final int SMALLEST_PIECE = 1 << 15;

  private static final int LARGEST_PIECE = 1 << 18;

  private final Workers workers;
  private final Workers.Task task = this::multiplyPiece;

  private Matrix c;
  private Matrix a;
  private Matrix w;
  private float[] bias;
  private int biasOffset;
  private int pieceRows;

  /**
   * Creates the kernel.
   *
   * @param workers who computes
   */
  public Dots(Workers workers) {
    this.workers = workers;
  }

  /**
   * {@code c = a wᵀ}, plus the bias when there is one.
   *
   * @param w {@code (n, k)}, not transposed, as are the others
   * @param bias element {@code j} is {@code bias[biasOffset + j]}
   * @param biasOffset negative when there is no bias
   */
  public void multiply(Matrix c, Matrix a, Matrix w, float[] bias, int biasOffset) {
    assert !c.transposed() && !a.transposed() && !w.transposed();
    this.c = c;
    this.a = a;
    this.w = w;
    this.bias = bias;
    this.biasOffset = biasOffset;
    int n = w.rows();
    pieceRows = pieceRows(n, w.columns(), workers.threads());
    workers.parallel((n + pieceRows - 1) / pieceRows, task);
  }

  /**
   * How many of {@code n} rows of weights make a piece, whole tiles of them. It may depend on the
   * number of threads because no sum does on its piece.
   */
  static int pieceRows(int n, int k, int threads) {
    long weights = (long) n * k / (PIECES * threads);
    long piece = Math.clamp(weights, SMALLEST_PIECE, LARGEST_PIECE);
    return (int) Math.max(TILE, piece / Math.max(1, k) / TILE * TILE);
  }

  private void multiplyPiece(int piece, int worker) {
    int from = piece * pieceRows;
    int end = Math.min(from + pieceRows, w.rows());
    int m = a.rows();
    int k = w.columns();
    float[] as = a.data();
    float[] ws = w.data();
    float[] sums = workers.scratch(worker, 4 * TILE * L);
    int last = end - 1; // a tile at the edge repeats the last row
    int quarter = Math.ceilDiv(end - from, TILE);
    for (int j = from; j < from + quarter; j++) {
      int w0 = w.at(j, 0);
      int w1 = w.at(Math.min(last, j + quarter), 0);
      int w2 = w.at(Math.min(last, j + 2 * quarter), 0);
      int w3 = w.at(Math.min(last, j + 3 * quarter), 0);
      for (int i = 0; i < m; ) {
        int height;
        if (Lanes.MANY_REGISTERS && m - i >= 3) {
          height = Math.min(4, m - i);
          int a3 = a.at(i + height - 1, 0);
          four(k, as, a.at(i, 0), a.at(i + 1, 0), a.at(i + 2, 0), a3, ws, w0, w1, w2, w3, sums);
        } else if (m - i >= 2) {
          height = 2;
          two(k, as, a.at(i, 0), a.at(i + 1, 0), ws, w0, w1, w2, w3, sums);
        } else {
          height = 1;
          one(k, as, a.at(i, 0), ws, w0, w1, w2, w3, sums);
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
      float plus = biasOffset < 0 ? 0 : bias[biasOffset + j];
      for (int y = 0; y < height; y++) {
        float sum = 0;
        for (int lane = x; lane < L; lane += TILE) {
          sum += sums[y * L + lane];
        }
        out[c.at(i + y, j)] = sum + plus;
      }
    }
  }

  // The last, incomplete vector is read under a mask. The lanes are not added up by reduceLanes,
  // whose order, and so whose bits, differ between the interpreter and compiled code: two rounds of
  // adding interleaved halves leave the four sums of a row of tiles side by side, L / 4 parts each.

  private static void one(
      int k, float[] a, int a0, float[] w, int w0, int w1, int w2, int w3, float[] sums) {
    FloatVector c0 = FloatVector.zero(F);
    FloatVector c1 = FloatVector.zero(F);
    FloatVector c2 = FloatVector.zero(F);
    FloatVector c3 = FloatVector.zero(F);
    int p = 0;
    for (; p <= k - L; p += L) {
      FloatVector x = FloatVector.fromArray(F, a, a0 + p);
      c0 = FloatVector.fromArray(F, w, w0 + p).fma(x, c0);
      c1 = FloatVector.fromArray(F, w, w1 + p).fma(x, c1);
      c2 = FloatVector.fromArray(F, w, w2 + p).fma(x, c2);
      c3 = FloatVector.fromArray(F, w, w3 + p).fma(x, c3);
    }
    if (p < k) {
      VectorMask<Float> rest = F.indexInRange(p, k);
      FloatVector x = FloatVector.fromArray(F, a, a0 + p, rest);
      c0 = FloatVector.fromArray(F, w, w0 + p, rest).fma(x, c0);
      c1 = FloatVector.fromArray(F, w, w1 + p, rest).fma(x, c1);
      c2 = FloatVector.fromArray(F, w, w2 + p, rest).fma(x, c2);
      c3 = FloatVector.fromArray(F, w, w3 + p, rest).fma(x, c3);
    }
    FloatVector r = LOW.selectFrom(c0, c2).add(HIGH.selectFrom(c0, c2));
    FloatVector s = LOW.selectFrom(c1, c3).add(HIGH.selectFrom(c1, c3));
    LOW.selectFrom(r, s).add(HIGH.selectFrom(r, s)).intoArray(sums, 0);
  }

  private static void two(
      int k, float[] a, int a0, int a1, float[] w, int w0, int w1, int w2, int w3, float[] sums) {
    FloatVector c00 = FloatVector.zero(F);
    FloatVector c01 = FloatVector.zero(F);
    FloatVector c02 = FloatVector.zero(F);
    FloatVector c03 = FloatVector.zero(F);
    FloatVector c10 = FloatVector.zero(F);
    FloatVector c11 = FloatVector.zero(F);
    FloatVector c12 = FloatVector.zero(F);
    FloatVector c13 = FloatVector.zero(F);
    int p = 0;
    for (; p <= k - L; p += L) {
      FloatVector x0 = FloatVector.fromArray(F, a, a0 + p);
      FloatVector x1 = FloatVector.fromArray(F, a, a1 + p);
      FloatVector y0 = FloatVector.fromArray(F, w, w0 + p);
      c00 = x0.fma(y0, c00);
      c10 = x1.fma(y0, c10);
      FloatVector y1 = FloatVector.fromArray(F, w, w1 + p);
      c01 = x0.fma(y1, c01);
      c11 = x1.fma(y1, c11);
      FloatVector y2 = FloatVector.fromArray(F, w, w2 + p);
      c02 = x0.fma(y2, c02);
      c12 = x1.fma(y2, c12);
      FloatVector y3 = FloatVector.fromArray(F, w, w3 + p);
      c03 = x0.fma(y3, c03);
      c13 = x1.fma(y3, c13);
    }
    if (p < k) {
      VectorMask<Float> rest = F.indexInRange(p, k);
      FloatVector x0 = FloatVector.fromArray(F, a, a0 + p, rest);
      FloatVector x1 = FloatVector.fromArray(F, a, a1 + p, rest);
      FloatVector y0 = FloatVector.fromArray(F, w, w0 + p, rest);
      c00 = x0.fma(y0, c00);
      c10 = x1.fma(y0, c10);
      FloatVector y1 = FloatVector.fromArray(F, w, w1 + p, rest);
      c01 = x0.fma(y1, c01);
      c11 = x1.fma(y1, c11);
      FloatVector y2 = FloatVector.fromArray(F, w, w2 + p, rest);
      c02 = x0.fma(y2, c02);
      c12 = x1.fma(y2, c12);
      FloatVector y3 = FloatVector.fromArray(F, w, w3 + p, rest);
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

  // The sums are left in memory, for smaller methods to do the rest: the first compiler (C1) gives
  // up on a method that unfolds to too many vector operations, and then the second never sees it.
  private static void four(
      int k,
      float[] a,
      int a0,
      int a1,
      int a2,
      int a3,
      float[] w,
      int w0,
      int w1,
      int w2,
      int w3,
      float[] sums) {
    FloatVector c00 = FloatVector.zero(F);
    FloatVector c01 = FloatVector.zero(F);
    FloatVector c02 = FloatVector.zero(F);
    FloatVector c03 = FloatVector.zero(F);
    FloatVector c10 = FloatVector.zero(F);
    FloatVector c11 = FloatVector.zero(F);
    FloatVector c12 = FloatVector.zero(F);
    FloatVector c13 = FloatVector.zero(F);
    FloatVector c20 = FloatVector.zero(F);
    FloatVector c21 = FloatVector.zero(F);
    FloatVector c22 = FloatVector.zero(F);
    FloatVector c23 = FloatVector.zero(F);
    FloatVector c30 = FloatVector.zero(F);
    FloatVector c31 = FloatVector.zero(F);
    FloatVector c32 = FloatVector.zero(F);
    FloatVector c33 = FloatVector.zero(F);
    int p = 0;
    for (; p <= k - L; p += L) {
      FloatVector x0 = FloatVector.fromArray(F, a, a0 + p);
      FloatVector x1 = FloatVector.fromArray(F, a, a1 + p);
      FloatVector x2 = FloatVector.fromArray(F, a, a2 + p);
      FloatVector x3 = FloatVector.fromArray(F, a, a3 + p);
      FloatVector y0 = FloatVector.fromArray(F, w, w0 + p);
      c00 = x0.fma(y0, c00);
      c10 = x1.fma(y0, c10);
      c20 = x2.fma(y0, c20);
      c30 = x3.fma(y0, c30);
      FloatVector y1 = FloatVector.fromArray(F, w, w1 + p);
      c01 = x0.fma(y1, c01);
      c11 = x1.fma(y1, c11);
      c21 = x2.fma(y1, c21);
      c31 = x3.fma(y1, c31);
      FloatVector y2 = FloatVector.fromArray(F, w, w2 + p);
      c02 = x0.fma(y2, c02);
      c12 = x1.fma(y2, c12);
      c22 = x2.fma(y2, c22);
      c32 = x3.fma(y2, c32);
      FloatVector y3 = FloatVector.fromArray(F, w, w3 + p);
      c03 = x0.fma(y3, c03);
      c13 = x1.fma(y3, c13);
      c23 = x2.fma(y3, c23);
      c33 = x3.fma(y3, c33);
    }
    c00.intoArray(sums, 0);
    c01.intoArray(sums, L);
    c02.intoArray(sums, 2 * L);
    c03.intoArray(sums, 3 * L);
    c10.intoArray(sums, 4 * L);
    c11.intoArray(sums, 5 * L);
    c12.intoArray(sums, 6 * L);
    c13.intoArray(sums, 7 * L);
    c20.intoArray(sums, 8 * L);
    c21.intoArray(sums, 9 * L);
    c22.intoArray(sums, 10 * L);
    c23.intoArray(sums, 11 * L);
    c30.intoArray(sums, 12 * L);
    c31.intoArray(sums, 13 * L);
    c32.intoArray(sums, 14 * L);
    c33.intoArray(sums, 15 * L);
    if (p < k) {
      rest(k, p, a, a0, w, w0, w1, w2, w3, sums, 0);
      rest(k, p, a, a1, w, w0, w1, w2, w3, sums, 4 * L);
      rest(k, p, a, a2, w, w0, w1, w2, w3, sums, 8 * L);
      rest(k, p, a, a3, w, w0, w1, w2, w3, sums, 12 * L);
    }
    for (int i = 0; i < 4; i++) {
      combine(sums, i * TILE * L, i * L);
    }
  }

  /** Adds what the last, incomplete vector contributes to a row of a tile of four. */
  private static void rest(
      int k,
      int p,
      float[] a,
      int ai,
      float[] w,
      int w0,
      int w1,
      int w2,
      int w3,
      float[] sums,
      int at) {
    VectorMask<Float> rest = F.indexInRange(p, k);
    FloatVector x = FloatVector.fromArray(F, a, ai + p, rest);
    FloatVector c0 = FloatVector.fromArray(F, sums, at);
    x.fma(FloatVector.fromArray(F, w, w0 + p, rest), c0).intoArray(sums, at);
    FloatVector c1 = FloatVector.fromArray(F, sums, at + L);
    x.fma(FloatVector.fromArray(F, w, w1 + p, rest), c1).intoArray(sums, at + L);
    FloatVector c2 = FloatVector.fromArray(F, sums, at + 2 * L);
    x.fma(FloatVector.fromArray(F, w, w2 + p, rest), c2).intoArray(sums, at + 2 * L);
    FloatVector c3 = FloatVector.fromArray(F, sums, at + 3 * L);
    x.fma(FloatVector.fromArray(F, w, w3 + p, rest), c3).intoArray(sums, at + 3 * L);
  }

  /** Adds up the lanes of a row of a tile. */
  private static void combine(float[] sums, int from, int to) {
    FloatVector c0 = FloatVector.fromArray(F, sums, from);
    FloatVector c1 = FloatVector.fromArray(F, sums, from + L);
    FloatVector c2 = FloatVector.fromArray(F, sums, from + 2 * L);
    FloatVector c3 = FloatVector.fromArray(F, sums, from + 3 * L);
    FloatVector r = LOW.selectFrom(c0, c2).add(HIGH.selectFrom(c0, c2));
    FloatVector s = LOW.selectFrom(c1, c3).add(HIGH.selectFrom(c1, c3));
    LOW.selectFrom(r, s).add(HIGH.selectFrom(r, s)).intoArray(sums, to);
  }
}

package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;

/**
 * Matrix products {@code c (m, n) = a (m, k) b (k, n)}, where {@code a} and {@code b} may be
 * transposed views.
 *
 * <p>The classic blocked algorithm: {@code k} is cut in blocks; in each, {@code a} is packed in
 * panels as high as the tile, {@code b} in panels as wide, and {@link Tile} multiplies a panel of
 * each into registers. The smaller matrix is packed once for all. The larger one is cut in pieces
 * of some panels, and whoever takes a piece packs it into memory of his own, which stays in his
 * second-level cache, and multiplies it with all of the smaller one: packing both for all costs
 * twice the time, because it has to write to the third level. A matrix that lies as a tile can read
 * it is not packed at all when too few tiles read it; then only an incomplete last panel is.
 *
 * <p>Every element of {@code c} is summed over {@code k} by one thread in an order that depends on
 * the shape alone, so the bits do not depend on the number of threads.
 *
 * <p>A {@code Gemm} owns its packing buffers, which grow to the largest product and are then
 * reused: one product runs at a time.
 */
public final class Gemm {
  private static final int L = Lanes.F.length();
  private static final Tile TILE = Tile.forProducts();
  private static final int MR = TILE.rows();
  private static final int NR = 2 * L;

  /**
   * About how long a block of k is, at most half as long again: every block reads and writes all of
   * c, so the fewer the better, as long as pieces stay in the second-level cache.
   */
  private static final int STEPS = 768;

  /** The most rows or columns of the matrix packed for all: with STEPS, 12 MiB. */
  private static final int MAX_SHARED = 4000;

  /** The most rows or columns of a piece: with STEPS, 384 KiB. */
  private static final int MAX_PIECE = 128;

  /**
   * How much of the shared b is multiplied with a piece at a time, 384 KiB: both stay in the second
   * level, while tiles follow each other along the rows of c. A processor fetches the lines of c
   * ahead that way; down the columns, each tile would wait for its 16.
   */
  private static final int SHARED_B = 98304;

  /** Up to this many columns of b, a is read in place. */
  private static final int IN_PLACE_A = 32;

  /** Up to this many rows of a, a b of up to IN_PLACE_FLOATS is read in place. */
  private static final int IN_PLACE_B = 256;

  private static final int IN_PLACE_FLOATS = 65536;

  /** Below this many multiply-adds (some 2 us) the launch of workers costs more than it saves. */
  private static final int SERIAL = 150_000;

  /** Multiply-adds of a piece that is worth claiming: cut finer, it only balances the work. */
  private static final int PIECE = 500_000;

  /** Elements of a cache line. */
  private static final int LINE = 16;

  /** About how many rows or columns of the shared matrix are packed as one piece of work. */
  private static final int PACK_PIECE = 64;

  private static final float[] ZEROS = new float[NR];

  private final Workers workers;
  private final int maxShared;
  private final Workers.Task packTask = this::packShared;
  private final Workers.Task multiplyTask = this::multiplyPiece;
  private final float[] edgeInit = new float[NR];
  private float[] shared = {};

  // The product being computed.
  private Matrix a;
  private Matrix b;
  private Matrix c;
  private float[] bias;
  private int biasOffset;
  private boolean parallel;
  private boolean ownRows;
  private boolean inPlaceA;
  private boolean inPlaceB;

  // The block being computed, [i0, i0 + rows) x [j0, j0 + columns) x [p0, p0 + steps), cut in
  // pieces.
  private int i0;
  private int j0;
  private int p0;
  private int rows;
  private int columns;
  private int steps;
  private boolean add;
  private boolean useBias;
  private int pieceRows;
  private int pieceColumns;

  /**
   * Creates the products' buffers.
   *
   * @param workers who computes
   */
  public Gemm(Workers workers) {
    this(workers, MAX_SHARED);
  }

  /** With another bound on what is packed for all, best a multiple of the tile's sides. */
  public Gemm(Workers workers, int maxShared) {
    this.workers = workers;
    this.maxShared = maxShared;
  }

  /** {@code c = a b}, or {@code c += a b}. */
  public void multiply(Matrix c, Matrix a, Matrix b, boolean accumulate) {
    multiply(c, a, b, accumulate, ZEROS, -1);
  }

  /** {@code c = a b + bias}, with element {@code j} of the bias at {@code bias[biasOffset + j]}. */
  public void multiply(Matrix c, Matrix a, Matrix b, float[] bias, int biasOffset) {
    multiply(c, a, b, false, bias, biasOffset);
  }

  private void multiply(
      Matrix c, Matrix a, Matrix b, boolean accumulate, float[] bias, int biasOffset) {
    assert !c.transposed() && c.rows() == a.rows() && c.columns() == b.columns();
    assert a.columns() == b.rows();
    this.a = a;
    this.b = b;
    this.c = c;
    this.bias = bias;
    this.biasOffset = biasOffset;
    int m = c.rows();
    int n = c.columns();
    int k = a.columns();
    int blocks = Math.max(1, Math.round((float) k / STEPS));
    int blockSteps = divideUp(k, blocks);
    parallel = (double) m * n * k > SERIAL;
    ownRows = m > n;
    inPlaceA = n <= IN_PLACE_A;
    inPlaceB = !b.transposed() && m <= IN_PLACE_B && blockSteps * b.stride() <= IN_PLACE_FLOATS;
    for (int block = 0; block < blocks; block++) {
      p0 = block * blockSteps;
      steps = Math.min(blockSteps, k - p0);
      add = accumulate || block > 0;
      useBias = biasOffset >= 0 && block == 0;
      if (useBias) {
        int edge = n % NR;
        System.arraycopy(bias, biasOffset + n - edge, edgeInit, 0, edge);
      }
      i0 = 0;
      j0 = 0;
      rows = m;
      columns = n;
      if (ownRows) {
        for (; j0 < n; j0 += maxShared) {
          columns = Math.min(maxShared, n - j0);
          multiplyBlock();
        }
      } else {
        for (; i0 < m; i0 += maxShared) {
          rows = Math.min(maxShared, m - i0);
          multiplyBlock();
        }
      }
    }
  }

  private void multiplyBlock() {
    int extent = ownRows ? columns : rows;
    int firstPacked = ownRows ? firstPackedColumn() : firstPackedRow();
    int floats = Workers.ALIGN + roundUp(extent - firstPacked, ownRows ? NR : MR) * steps;
    if (shared.length < floats) {
      shared = new float[floats];
    }
    run(divideUp(extent - firstPacked, packPiece()), packTask);
    choosePieces();
    run(divideUp(rows, pieceRows) * divideUp(columns, pieceColumns), multiplyTask);
  }

  /** Cuts the larger matrix, and the smaller one too when there would not be work for everyone. */
  private void choosePieces() {
    int threads = workers.threads();
    long worthwhile = (long) rows * columns * steps / PIECE;
    int wanted = parallel ? Math.clamp(worthwhile, threads, 4 * threads) : 1;
    int unit = ownRows ? MR : NR;
    int extent = ownRows ? rows : columns;
    int piece = Math.min(roundUp(divideUp(extent, wanted), unit), MAX_PIECE / unit * unit);
    int across = divideUp(wanted, divideUp(extent, piece));
    int otherUnit = ownRows ? NR : MR;
    int other = ownRows ? columns : rows;
    int otherPiece = roundUp(divideUp(other, across), otherUnit);
    pieceRows = ownRows ? piece : otherPiece;
    pieceColumns = ownRows ? otherPiece : piece;
  }

  private void run(int count, Workers.Task task) {
    if (parallel) {
      workers.parallel(count, task);
    } else {
      for (int i = 0; i < count; i++) {
        task.run(i, 0);
      }
    }
  }

  private int firstPackedRow() {
    return inPlaceA ? rows - rows % MR : 0;
  }

  private int firstPackedColumn() {
    return inPlaceB ? columns - columns % NR : 0;
  }

  private void packShared(int piece, int worker) {
    int first = ownRows ? firstPackedColumn() : firstPackedRow();
    int from = first + piece * packPiece();
    int to = Workers.ALIGN + (from - first) * steps;
    if (ownRows) {
      packB(from, Math.min(from + packPiece(), columns), shared, to);
    } else {
      packA(from, Math.min(from + packPiece(), rows), shared, to);
    }
  }

  /** Whole panels. */
  private int packPiece() {
    return roundUp(PACK_PIECE, ownRows ? NR : MR);
  }

  private void packA(int from, int end, float[] packed, int to) {
    int s = a.at(i0 + from, p0);
    if (a.transposed()) {
      Panels.copy(steps, a.data(), s, a.stride(), end - from, packed, to, MR);
    } else {
      for (int i = from; i < end; i += MR) {
        int d = to + (i - from) * steps;
        int valid = Math.min(MR, end - i);
        Panels.interleave(steps, a.data(), a.at(i0 + i, p0), a.stride(), valid, packed, d, MR);
      }
    }
  }

  /**
   * Reads rows of a line by line, which is what a processor foresees. Packing goes down some rows
   * and then along them, and would wait for each line that comes from memory.
   *
   * @return a sum that nobody needs, or the compiler would leave the reading out
   */
  private float fetch(int from, int end) {
    float[] data = a.data();
    float sum = 0;
    for (int i = from; i < end; i++) {
      int at = a.at(i0 + i, p0);
      for (int p = 0; p < steps; p += LINE) {
        sum += data[at + p];
      }
    }
    return sum;
  }

  private void packB(int from, int end, float[] packed, int to) {
    if (!b.transposed()) {
      int s = b.at(p0, j0 + from);
      Panels.copy(steps, b.data(), s, b.stride(), end - from, packed, to, NR);
      return;
    }
    for (int j = from; j < end; j += NR) {
      int d = to + (j - from) * steps;
      int valid = Math.min(NR, end - j);
      Panels.interleave(steps, b.data(), b.at(p0, j0 + j), b.stride(), valid, packed, d, NR);
    }
  }

  private void multiplyPiece(int piece, int worker) {
    int piecesAcross = divideUp(columns, pieceColumns);
    int iFrom = piece / piecesAcross * pieceRows;
    int jFrom = piece % piecesAcross * pieceColumns;
    int iEnd = Math.min(iFrom + pieceRows, rows);
    int jEnd = Math.min(jFrom + pieceColumns, columns);
    // Whole tiles of an edge first, then the panels: both stay where they are from call to call.
    int panels = (ownRows ? pieceRows : pieceColumns) * steps;
    float[] own = workers.scratch(worker, Workers.ALIGN + panels + MR * NR);
    int whole = own.length - MR * NR;
    if (ownRows) {
      int firstA = Math.max(iFrom, firstPackedRow());
      int firstB = firstPackedColumn();
      if (firstA < iEnd) {
        if (!a.transposed()) {
          own[0] = fetch(firstA, iEnd); // in front of the panels, where nobody reads
        }
        packA(firstA, iEnd, own, Workers.ALIGN);
      }
      int across = Math.max(NR, SHARED_B / Math.max(1, steps) / NR * NR);
      for (int block = jFrom; block < jEnd; block += across) {
        int blockEnd = Math.min(block + across, jEnd);
        for (int i = iFrom; i < iEnd; i += MR) {
          for (int j = block; j < blockEnd; j += NR) {
            tile(i, j, own, firstA, shared, firstB, own, whole);
          }
        }
      }
    } else {
      int firstA = firstPackedRow();
      int firstB = Math.max(jFrom, firstPackedColumn());
      if (firstB < jEnd) {
        packB(firstB, jEnd, own, Workers.ALIGN);
      }
      for (int i = iFrom; i < iEnd; i += MR) {
        for (int j = jFrom; j < jEnd; j += NR) {
          tile(i, j, shared, firstA, own, firstB, own, whole);
        }
      }
    }
  }

  /** A tile of c, or, at the edge, a whole tile aside of which what lies in c is stored. */
  private void tile(
      int i,
      int j,
      float[] packedA,
      int firstA,
      float[] packedB,
      int firstB,
      float[] aside,
      int whole) {
    int height = Math.min(MR, rows - i);
    int width = Math.min(NR, columns - j);
    float[] out = c.data();
    int to = c.at(i0 + i, j0 + j);
    if (height == MR && (width == NR || width == L)) {
      tile(i, j, width, packedA, firstA, packedB, firstB, out, to, c.stride(), add);
      return;
    }
    tile(i, j, width, packedA, firstA, packedB, firstB, aside, whole, NR, false);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        float value = aside[whole + y * NR + x];
        int at = to + y * c.stride() + x;
        out[at] = add ? out[at] + value : value;
      }
    }
  }

  private void tile(
      int i,
      int j,
      int width,
      float[] packedA,
      int firstA,
      float[] packedB,
      int firstB,
      float[] out,
      int to,
      int stride,
      boolean add) {
    boolean isPackedB = j >= firstB;
    float[] bs = isPackedB ? packedB : b.data();
    int bi = isPackedB ? Workers.ALIGN + (j - firstB) * steps : b.at(p0, j0 + j);
    int bStep = isPackedB ? NR : b.stride();
    float[] init = useBias ? (width == NR ? bias : edgeInit) : ZEROS;
    int ii = useBias && width == NR ? biasOffset + j0 + j : 0;
    if (i < firstA && !a.transposed()) {
      int ai = a.at(i0 + i, p0);
      if (width <= L) {
        TILE.rows1(steps, a.data(), ai, a.stride(), bs, bi, bStep, out, to, stride, add, init, ii);
      } else {
        TILE.rows2(steps, a.data(), ai, a.stride(), bs, bi, bStep, out, to, stride, add, init, ii);
      }
      return;
    }
    boolean isPackedA = i >= firstA;
    float[] as = isPackedA ? packedA : a.data();
    int ai = isPackedA ? Workers.ALIGN + (i - firstA) * steps : a.at(i0 + i, p0);
    int aStep = isPackedA ? MR : a.stride();
    if (width <= L) {
      TILE.steps1(steps, as, ai, aStep, bs, bi, bStep, out, to, stride, add, init, ii);
    } else if (isPackedB) {
      TILE.packed2(steps, as, ai, aStep, bs, bi, out, to, stride, add, init, ii);
    } else {
      TILE.steps2(steps, as, ai, aStep, bs, bi, bStep, out, to, stride, add, init, ii);
    }
  }

  private static int divideUp(int x, int y) {
    return (x + y - 1) / y;
  }

  private static int roundUp(int x, int y) {
    return divideUp(x, y) * y;
  }
}

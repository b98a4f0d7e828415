package jambic.tensor.cpu;

/**
 * Matrix products of row-major {@code float} matrices: {@code c (m, n) = op(a) (m, k) * op(b) (k,
 * n)}, where {@code op} may transpose.
 *
 * <p>The classic blocked algorithm: {@code k} is cut in blocks, a block of {@code op(b)} is packed
 * in panels as wide as the tile, a block of {@code op(a)} in panels as high as the tile, and {@link
 * Tile} multiplies a panel of each into registers. A matrix that already lies as a tile can read it
 * is not packed while it is small, because packing then costs more than it saves.
 *
 * <p>The workers share out the packing and then the tiles of {@code c}. Every element of {@code c}
 * is summed over {@code k} by one thread in an order that depends on the shape alone, so the bits
 * do not depend on the number of threads.
 *
 * <p>A {@code Gemm} owns its packing buffers, which grow to the largest product and are then
 * reused: one product runs at a time.
 */
final class Gemm {
  private static final int L = Lanes.F.length();
  private static final Tile TILE = Tile.forThisMachine();
  private static final int MR = TILE.rows();
  private static final int NR = 2 * L;

  /**
   * Steps of a block of k: a panel of b then stays in the second-level cache, one of a in the
   * first.
   */
  private static final int KC = 384;

  private static final int NC = 4096;
  private static final int MC = 4096;

  /** The piece of c that a worker takes at a time. */
  private static final int CHUNK_ROWS = 128;

  private static final int CHUNK_COLUMNS = 256;

  /** A matrix that the other side reads no more often than this is not worth packing. */
  private static final int DIRECT_A = 128;

  private static final int DIRECT_B = 64;

  private static final float[] ZEROS = new float[NR];
  private static final float[] NO_BIAS = {};

  private final Workers workers;
  private final Workers.Task packTask = this::pack;
  private final Workers.Task multiplyTask = this::multiplyChunk;
  private float[] packedA = {};
  private float[] packedB = {};
  private final float[] biasEdge = new float[NR];

  // The product being computed.
  private boolean transA;
  private boolean transB;
  private float[] a;
  private int aOff;
  private int lda;
  private float[] b;
  private int bOff;
  private int ldb;
  private float[] c;
  private int cOff;
  private int ldc;
  private float[] bias;
  private int biasOff;

  // The block being computed.
  private int i0;
  private int j0;
  private int p0;
  private int rows;
  private int columns;
  private int steps;
  private boolean add;
  private int firstPackedA;
  private int firstPackedB;
  private int chunkRows;
  private int chunkColumns;

  Gemm(Workers workers) {
    this.workers = workers;
  }

  /** As the full form, without a bias. */
  void multiply(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float[] c,
      int cOff,
      int ldc,
      boolean accumulate) {
    multiply(
        transA, transB, m, n, k, a, aOff, lda, b, bOff, ldb, c, cOff, ldc, accumulate, NO_BIAS, 0);
  }

  void multiply(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      float[] a,
      int aOff,
      int lda,
      float[] b,
      int bOff,
      int ldb,
      float[] c,
      int cOff,
      int ldc,
      boolean accumulate,
      float[] bias,
      int biasOff) {
    this.transA = transA;
    this.transB = transB;
    this.a = a;
    this.aOff = aOff;
    this.lda = lda;
    this.b = b;
    this.bOff = bOff;
    this.ldb = ldb;
    this.c = c;
    this.cOff = cOff;
    this.ldc = ldc;
    this.bias = bias;
    this.biasOff = biasOff;
    boolean parallel = 2.0 * m * n * k >= 2e6;
    boolean packA = n > DIRECT_A;
    boolean packB = transB || m > DIRECT_B;
    int kBlocks = Math.max(1, (k + KC - 1) / KC);
    int kBlock = (k + kBlocks - 1) / kBlocks;
    for (j0 = 0; j0 < n; j0 += NC) {
      columns = Math.min(NC, n - j0);
      int panelsB = (columns + NR - 1) / NR;
      firstPackedB = packB ? 0 : columns / NR;
      for (int block = 0; block < kBlocks; block++) {
        p0 = block * kBlock;
        steps = Math.min(kBlock, k - p0);
        add = accumulate || block > 0;
        if (block > 0) {
          this.bias = NO_BIAS;
        }
        for (i0 = 0; i0 < m; i0 += MC) {
          rows = Math.min(MC, m - i0);
          int panelsA = (rows + MR - 1) / MR;
          firstPackedA = packA ? 0 : rows / MR;
          int packsA = panelsA - firstPackedA;
          int packsB = i0 == 0 ? panelsB - firstPackedB : 0;
          packedA = grown(packedA, packsA * steps * MR);
          packedB = grown(packedB, packsB * steps * NR);
          int groupsA = (packsA + 3) / 4;
          run(groupsA + packsB, packTask, parallel && (packsA * MR + packsB * NR) * steps > 16384);
          chunkRows = CHUNK_ROWS;
          chunkColumns = CHUNK_COLUMNS;
          run(
              ((rows + chunkRows - 1) / chunkRows) * ((columns + chunkColumns - 1) / chunkColumns),
              multiplyTask,
              parallel);
        }
      }
      this.bias = bias;
    }
  }

  private void run(int count, Workers.Task task, boolean parallel) {
    if (parallel) {
      workers.parallel(count, task);
    } else {
      for (int i = 0; i < count; i++) {
        task.run(i, 0);
      }
    }
  }

  private static float[] grown(float[] buffer, int floats) {
    return buffer.length < floats ? new float[floats] : buffer;
  }

  private void pack(int piece, int worker) {
    int panels = (rows + MR - 1) / MR;
    int groups = (panels - firstPackedA + 3) / 4;
    if (piece < groups) {
      int from = firstPackedA + piece * 4;
      int to = Math.min(from + 4, panels);
      for (int panel = from; panel < to; panel++) {
        int i = panel * MR;
        int valid = Math.min(MR, rows - i);
        int d = (panel - firstPackedA) * steps * MR;
        if (transA) {
          Panels.copy(steps, a, aOff + p0 * lda + i0 + i, lda, valid, packedA, d, MR);
        } else {
          Panels.interleave(steps, a, aOff + (i0 + i) * lda + p0, lda, valid, packedA, d, MR);
        }
      }
      return;
    }
    int panel = firstPackedB + piece - groups;
    int j = panel * NR;
    int valid = Math.min(NR, columns - j);
    int width = valid <= L ? L : NR;
    int d = (panel - firstPackedB) * steps * NR;
    if (transB) {
      Panels.interleave(steps, b, bOff + (j0 + j) * ldb + p0, ldb, valid, packedB, d, width);
    } else {
      Panels.copy(steps, b, bOff + p0 * ldb + j0 + j, ldb, valid, packedB, d, width);
    }
  }

  private void multiplyChunk(int piece, int worker) {
    int chunksDown = (rows + chunkRows - 1) / chunkRows;
    int iFrom = piece % chunksDown * chunkRows;
    int jFrom = piece / chunksDown * chunkColumns;
    int iTo = Math.min(iFrom + chunkRows, rows);
    int jTo = Math.min(jFrom + chunkColumns, columns);
    for (int i = iFrom; i < iTo; i += MR) {
      for (int j = jFrom; j < jTo; j += NR) {
        tile(i, j, worker);
      }
    }
  }

  private void tile(int i, int j, int worker) {
    int height = Math.min(MR, rows - i);
    int width = Math.min(NR, columns - j);
    int panelB = j / NR - firstPackedB;
    boolean isPackedB = panelB >= 0;
    float[] bs = isPackedB ? packedB : b;
    int bi = isPackedB ? panelB * steps * NR : bOff + p0 * ldb + j0 + j;
    int bStep = isPackedB ? width <= L ? L : NR : ldb;
    float[] init = ZEROS;
    int ii = 0;
    if (bias.length != 0) {
      if (width == NR) {
        init = bias;
        ii = biasOff + j0 + j;
      } else {
        init = biasEdge;
        System.arraycopy(bias, biasOff + j0 + j, init, 0, width);
      }
    }
    if (height == MR && (width == NR || width == L)) {
      tile(i, width, bs, bi, bStep, c, cOff + (i0 + i) * ldc + j0 + j, ldc, add, init, ii);
      return;
    }
    float[] edge = workers.scratch(worker, MR * NR);
    tile(i, width, bs, bi, bStep, edge, 0, NR, false, init, ii);
    for (int r = 0; r < height; r++) {
      int ci = cOff + (i0 + i + r) * ldc + j0 + j;
      for (int x = 0; x < width; x++) {
        c[ci + x] = add ? c[ci + x] + edge[r * NR + x] : edge[r * NR + x];
      }
    }
  }

  private void tile(
      int i,
      int width,
      float[] bs,
      int bi,
      int bStep,
      float[] out,
      int oi,
      int ldo,
      boolean add,
      float[] init,
      int ii) {
    int panelA = i / MR - firstPackedA;
    boolean narrow = width <= L;
    if (panelA < 0 && !transA) {
      int ai = aOff + (i0 + i) * lda + p0;
      if (narrow) {
        TILE.rows1(steps, a, ai, lda, bs, bi, bStep, out, oi, ldo, add, init, ii);
      } else {
        TILE.rows2(steps, a, ai, lda, bs, bi, bStep, out, oi, ldo, add, init, ii);
      }
      return;
    }
    float[] as = panelA < 0 ? a : packedA;
    int ai = panelA < 0 ? aOff + p0 * lda + i0 + i : panelA * steps * MR;
    int aStep = panelA < 0 ? lda : MR;
    if (narrow) {
      TILE.steps1(steps, as, ai, aStep, bs, bi, bStep, out, oi, ldo, add, init, ii);
    } else {
      TILE.steps2(steps, as, ai, aStep, bs, bi, bStep, out, oi, ldo, add, init, ii);
    }
  }
}

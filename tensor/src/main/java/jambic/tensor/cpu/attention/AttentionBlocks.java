package jambic.tensor.cpu.attention;

import static jambic.tensor.cpu.attention.AttentionRows.BLOCK;

import jambic.tensor.cpu.gemm.Tile;
import jambic.tensor.cpu.simd.Lanes;

/**
 * The matrix products of attention on blocks in a worker's scratch memory, tile by tile. Those
 * whose left side has a triangle of zeros take no step in it.
 */
final class AttentionBlocks {
  private static final int L = Lanes.F.length();
  private static final Tile TILE = Tile.forAttention();

  /** Rows of a tile. */
  static final int R = TILE.rows();

  private static final int UNIT = Math.max(L, R);
  private static final float[] ZEROS = new float[2 * L];

  private AttentionBlocks() {}

  /** The next multiple of the lanes: how wide the rows of a head lie in scratch memory. */
  static int padded(int headSize) {
    return (headSize + L - 1) / L * L;
  }

  /**
   * How many keys row i of a block needs to hold, zeros included: what the longest row of its tile
   * sees, rounded up so that no tile and no vector that reads it is left half.
   */
  static int extent(int i, int visible, int slope, int keys) {
    int seen = seenByTile(i & -R, visible, slope, keys);
    return (seen + UNIT - 1) & -UNIT;
  }

  /** How many keys the longest of the rows {@code [i, i + R)} sees. */
  private static int seenByTile(int i, int visible, int slope, int keys) {
    return Math.clamp(visible + (i + R - 1) * slope, 0, keys);
  }

  /**
   * How many keys the queries of a vector, or of a tile if that is longer, see together: rows of a
   * transposed block.
   */
  static int seen(int i, int visible, int slope, int keys) {
    return Math.clamp(visible + ((i & -UNIT) + UNIT - 1) * slope, 0, keys);
  }

  /** A number of rows, rounded up to whole tiles. */
  static int tiles(int rows) {
    return (rows + R - 1) & -R;
  }

  /**
   * Scores: {@code c (rows, BLOCK) = a (rows, n) * b (n, BLOCK)}, up to each row's extent.
   *
   * @param w holds {@code b} and {@code c}
   * @param ai where {@code a} starts
   * @param lda from row to row of {@code a}
   */
  static void scores(
      float[] w,
      int c,
      float[] a,
      int ai,
      int lda,
      int b,
      int rows,
      int n,
      int visible,
      int slope,
      int keys) {
    for (int j = 0; j < keys; j += 2 * L) {
      for (int i = 0; i < rows; i += R) {
        int left = extent(i, visible, slope, keys) - j;
        int from = ai + i * lda;
        int at = c + i * BLOCK + j;
        if (left > L) {
          TILE.rows2(n, a, from, lda, w, b + j, BLOCK, w, at, BLOCK, false, ZEROS, 0);
        } else if (left > 0) {
          TILE.rows1(n, a, from, lda, w, b + j, BLOCK, w, at, BLOCK, false, ZEROS, 0);
        }
      }
    }
  }

  /**
   * Weighted sums over keys: {@code c (rows, width) (+)= a (rows, BLOCK) * b (keys, width)}; a row
   * of {@code a} ends where its tile sees no further key.
   *
   * @param w holds {@code a}
   */
  static void overKeys(
      float[] c,
      int ci,
      int ldc,
      float[] w,
      int a,
      float[] b,
      int bi,
      int ldb,
      int width,
      int rows,
      int visible,
      int slope,
      int keys,
      boolean add) {
    for (int j = 0; j < width; j += 2 * L) {
      for (int i = 0; i < rows; i += R) {
        int n = seenByTile(i, visible, slope, keys);
        int from = a + i * BLOCK;
        int at = ci + i * ldc + j;
        if (width - j > L) {
          TILE.rows2(n, w, from, BLOCK, b, bi + j, ldb, c, at, ldc, add, ZEROS, 0);
        } else {
          TILE.rows1(n, w, from, BLOCK, b, bi + j, ldb, c, at, ldc, add, ZEROS, 0);
        }
      }
    }
  }

  /**
   * Weighted sums over queries: {@code c (keys, width) (+)= aᵀ (BLOCK, rows) * b (rows, width)}; a
   * column of {@code a} starts with the tile of rows that first sees one of its tile's keys.
   *
   * @param w holds {@code a}
   */
  static void overQueries(
      float[] c,
      int ci,
      int ldc,
      float[] w,
      int a,
      float[] b,
      int bi,
      int ldb,
      int width,
      int rows,
      int visible,
      int slope,
      int keys,
      boolean add) {
    for (int j = 0; j < width; j += 2 * L) {
      for (int i = 0; i < keys; i += R) {
        int first = slope == 0 ? 0 : Math.clamp((i + 1 - visible) & -R, 0, rows);
        int n = rows - first;
        int from = a + first * BLOCK + i;
        int by = bi + first * ldb + j;
        int at = ci + i * ldc + j;
        if (width - j > L) {
          TILE.steps2(n, w, from, BLOCK, b, by, ldb, c, at, ldc, add, ZEROS, 0);
        } else {
          TILE.steps1(n, w, from, BLOCK, b, by, ldb, c, at, ldc, add, ZEROS, 0);
        }
      }
    }
  }

  /**
   * Transposed scores: {@code c (keys, BLOCK) = a (keys, n) * b (n, BLOCK)}, where a tile has a
   * query that sees one of its keys.
   */
  static void scoresT(
      float[] w,
      int c,
      float[] a,
      int ai,
      int lda,
      int b,
      int rows,
      int n,
      int visible,
      int slope,
      int keys) {
    for (int i = 0; i < rows; i += 2 * L) {
      for (int j = 0; j < keys; j += R) {
        int first = slope == 0 ? 0 : j + 1 - visible; // the first query that sees key j
        int at = c + j * BLOCK + i;
        if (first < i + L && rows > i + L) {
          TILE.rows2(n, a, ai + j * lda, lda, w, b + i, BLOCK, w, at, BLOCK, false, ZEROS, 0);
        } else if (first < i + L) {
          TILE.rows1(n, a, ai + j * lda, lda, w, b + i, BLOCK, w, at, BLOCK, false, ZEROS, 0);
        } else if (first < i + 2 * L && rows > i + L) {
          TILE.rows1(
              n, a, ai + j * lda, lda, w, b + i + L, BLOCK, w, at + L, BLOCK, false, ZEROS, 0);
        }
      }
    }
  }

  /**
   * Weighted sums over keys: {@code c (rows, width) (+)= aᵀ (BLOCK, keys) * b (keys, width)}, for
   * each tile as far as it sees.
   */
  static void overKeysT(
      float[] w,
      int c,
      int a,
      float[] b,
      int bi,
      int ldb,
      int width,
      int rows,
      int visible,
      int slope,
      int keys,
      boolean add) {
    for (int j = 0; j < width; j += 2 * L) {
      for (int i = 0; i < rows; i += R) {
        int n = seenByTile(i, visible, slope, keys);
        int at = c + i * width + j;
        if (width - j > L) {
          TILE.steps2(n, w, a + i, BLOCK, b, bi + j, ldb, w, at, width, add, ZEROS, 0);
        } else {
          TILE.steps1(n, w, a + i, BLOCK, b, bi + j, ldb, w, at, width, add, ZEROS, 0);
        }
      }
    }
  }
}

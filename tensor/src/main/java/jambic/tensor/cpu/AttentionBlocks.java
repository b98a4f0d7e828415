package jambic.tensor.cpu;

import static jambic.tensor.cpu.AttentionRows.BLOCK;

/**
 * The matrix products of attention on blocks in a worker's scratch memory, tile by tile. Those
 * whose left side has a triangle of zeros take no step in it.
 */
final class AttentionBlocks {
  private static final int L = Lanes.F.length();
  private static final Tile TILE = Tile.forThisMachine();

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
    int seen = seen(i & -R, visible, slope, keys);
    return (seen + UNIT - 1) & -UNIT;
  }

  /** How many keys the longest of the rows {@code [i, i + R)} sees. */
  private static int seen(int i, int visible, int slope, int keys) {
    return Math.max(0, Math.min(keys, visible + (i + R - 1) * slope));
  }

  /**
   * Scores: {@code c (rows, BLOCK) = a (rows, n) * b (n, BLOCK)}, up to each row's extent.
   *
   * @param w holds all three
   * @param lda from row to row of {@code a}
   */
  static void scores(
      float[] w, int c, int a, int lda, int b, int rows, int n, int visible, int slope, int keys) {
    for (int j = 0; j < keys; j += 2 * L) {
      for (int i = 0; i < rows; i += R) {
        int left = extent(i, visible, slope, keys) - j;
        if (left > L) {
          TILE.rows2(
              n,
              w,
              a + i * lda,
              lda,
              w,
              b + j,
              BLOCK,
              w,
              c + i * BLOCK + j,
              BLOCK,
              false,
              ZEROS,
              0);
        } else if (left > 0) {
          TILE.rows1(
              n,
              w,
              a + i * lda,
              lda,
              w,
              b + j,
              BLOCK,
              w,
              c + i * BLOCK + j,
              BLOCK,
              false,
              ZEROS,
              0);
        }
      }
    }
  }

  /**
   * Weighted sums over keys: {@code c (rows, width) (+)= a (rows, BLOCK) * b (BLOCK, width)}; a row
   * of {@code a} ends where its tile sees no further key.
   */
  static void overKeys(
      float[] w,
      int c,
      int a,
      int b,
      int width,
      int rows,
      int visible,
      int slope,
      int keys,
      boolean add) {
    for (int j = 0; j < width; j += 2 * L) {
      for (int i = 0; i < rows; i += R) {
        int n = seen(i, visible, slope, keys);
        if (width - j > L) {
          TILE.rows2(
              n,
              w,
              a + i * BLOCK,
              BLOCK,
              w,
              b + j,
              width,
              w,
              c + i * width + j,
              width,
              add,
              ZEROS,
              0);
        } else {
          TILE.rows1(
              n,
              w,
              a + i * BLOCK,
              BLOCK,
              w,
              b + j,
              width,
              w,
              c + i * width + j,
              width,
              add,
              ZEROS,
              0);
        }
      }
    }
  }

  /**
   * Weighted sums over queries: {@code c (keys, width) += aᵀ (BLOCK, rows) * b (rows, width)}; a
   * column of {@code a} starts with the tile of rows that first sees one of its tile's keys.
   */
  static void overQueries(
      float[] w, int c, int a, int b, int width, int rows, int visible, int slope, int keys) {
    for (int j = 0; j < width; j += 2 * L) {
      for (int i = 0; i < keys; i += R) {
        int first = slope == 0 ? 0 : Math.max(0, i + 1 - visible) / R * R;
        int n = rows - first;
        if (n <= 0) {
          continue;
        }
        int ai = a + first * BLOCK + i;
        int bi = b + first * width + j;
        if (width - j > L) {
          TILE.steps2(n, w, ai, BLOCK, w, bi, width, w, c + i * width + j, width, true, ZEROS, 0);
        } else {
          TILE.steps1(n, w, ai, BLOCK, w, bi, width, w, c + i * width + j, width, true, ZEROS, 0);
        }
      }
    }
  }
}

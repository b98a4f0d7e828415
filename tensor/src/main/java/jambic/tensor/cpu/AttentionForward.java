package jambic.tensor.cpu;

import static jambic.tensor.cpu.AttentionRows.BLOCK;

import jambic.tensor.spi.Dropout;
import java.util.Arrays;

/**
 * The forward pass of one launch. A piece is a chunk of the queries of one head: its output,
 * running maxima and running sums stay in the worker's scratch memory while the keys and values
 * pass by, block after block.
 */
final class AttentionForward {
  private static final int L = Lanes.F.length();

  private final AttentionSizes sizes;
  private final HeadRows out;
  private final float[] lse;
  private final int lseStart;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final DropoutMask mask;
  private final int width;
  private final int floats;

  // Where things lie in scratch memory.
  private final int keys; // (headSize, BLOCK), transposed
  private final int values; // (BLOCK, width)
  private final int weights; // (BLOCK, BLOCK)
  private final int factors; // (BLOCK, BLOCK)
  private final int queries; // (chunk, width)
  private final int sums; // (chunk, width)
  private final int parts; // (chunk, L)
  private final int maxima; // (chunk)
  private final int shifts; // (chunk)
  private final int shrinks; // (BLOCK)
  private final int zero; // (1)
  private final int ignored; // (L)
  private final int totals; // (chunk)

  /**
   * A launch.
   *
   * @param lse receives the logarithms of the sums from {@code lseStart}; if empty, they are not
   *     wanted
   */
  AttentionForward(
      AttentionSizes sizes,
      HeadRows out,
      float[] lse,
      int lseStart,
      HeadRows q,
      HeadRows k,
      HeadRows v,
      DropoutMask mask) {
    this.sizes = sizes;
    this.out = out;
    this.lse = lse;
    this.lseStart = lseStart;
    this.q = q;
    this.k = k;
    this.v = v;
    this.mask = mask;
    width = AttentionBlocks.padded(sizes.headSize());
    int chunk = sizes.chunkRows();
    keys = 0;
    values = keys + sizes.headSize() * BLOCK;
    weights = values + BLOCK * width;
    factors = weights + BLOCK * BLOCK;
    queries = factors + (mask.isNone() ? 0 : BLOCK * BLOCK);
    sums = queries + chunk * width;
    parts = sums + chunk * width;
    maxima = parts + chunk * L;
    shifts = maxima + chunk;
    shrinks = shifts + chunk;
    zero = shrinks + BLOCK;
    ignored = zero + 1;
    totals = ignored + L;
    floats = totals + chunk;
  }

  /** The sizes of the launch. */
  AttentionSizes sizes() {
    return sizes;
  }

  /** How much scratch memory a piece needs. */
  int floats() {
    return floats;
  }

  /** Computes the queries {@code [from, to)} of head {@code h} of batch element {@code b}. */
  void run(int b, int h, int from, int to, float[] w) {
    int headSize = sizes.headSize();
    int column = h * headSize;
    int count = to - from;
    int end = sizes.keysSeen(b, to);
    AttentionRows.copy(
        w, queries, width, q.array(), q.at(b, from, column), q.stride(), count, headSize);
    Arrays.fill(w, parts, parts + count * L, 0);
    w[zero] = 0;
    Arrays.fill(w, ignored, ignored + L, 0);
    Arrays.fill(w, maxima, maxima + count, Float.NEGATIVE_INFINITY);
    for (int key = 0; key < end; key += BLOCK) {
      int n = Math.min(BLOCK, end - key);
      Panels.interleave(headSize, k.array(), k.at(b, key, column), k.stride(), n, w, keys, BLOCK);
      AttentionRows.copy(
          w, values, width, v.array(), v.at(b, key, column), v.stride(), n, headSize);
      for (int query = from; query < to; query += BLOCK) {
        int rows = Math.min(BLOCK, to - query);
        if (sizes.visible(b, query + rows - 1, key) > 0) {
          block(b, h, query, query - from, rows, key, n, w);
        }
      }
    }
    AttentionRows.totals(w, totals, parts, count);
    for (int i = 0; i < count; i++) {
      float sum = w[totals + i];
      if (lse.length > 0) {
        lse[lseStart + sizes.row(b, h, from + i)] = w[shifts + i] + (float) Math.log(sum);
      }
      AttentionRows.scaled(
          out.array(),
          out.at(b, from + i, column),
          0,
          w,
          sums + i * width,
          0,
          1,
          headSize,
          1 / sum,
          false);
    }
  }

  /** Takes a block of keys into account for a block of queries, which starts at row {@code at}. */
  private void block(int b, int h, int query, int at, int rows, int key, int n, float[] w) {
    int visible = sizes.visible(b, query, key);
    int slope = sizes.slope();
    int sum = sums + at * width;
    int part = parts + at * L;
    AttentionBlocks.scores(
        w, weights, queries + at * width, width, keys, rows, sizes.headSize(), visible, slope, n);
    AttentionRows.maxima(
        w, weights, rows, visible, slope, n, sizes.scale(), maxima + at, shifts + at, shrinks);
    if (key != 0) {
      AttentionRows.exponentials(w, shrinks, 1, rows, 0, rows, 1, zero, ignored);
      AttentionRows.multiply(w, sum, width, shrinks, rows);
      AttentionRows.multiply(w, part, L, shrinks, rows);
    }
    AttentionRows.exponentials(
        w, weights, rows, visible, slope, n, sizes.scale(), shifts + at, part);
    if (!mask.isNone()) {
      for (int i = 0; i < rows; i++) {
        long row = Dropout.rowStart(sizes.row(b, h, query + i), sizes.keys());
        int extent = AttentionBlocks.extent(i, visible, slope, n);
        mask.fill(w, factors + i * BLOCK, row + key, extent);
      }
      AttentionRows.drop(w, weights, factors, rows, visible, slope, n);
    }
    AttentionBlocks.overKeys(w, sum, weights, values, width, rows, visible, slope, n, key != 0);
  }
}

package jambic.tensor.cpu;

import static jambic.tensor.cpu.AttentionRows.BLOCK;

import jambic.tensor.spi.Dropout;
import java.util.Arrays;

/**
 * The backward pass of one launch. A piece is a chunk of keys against a chunk of queries of one
 * head: it computes their weights once more and adds to three gradients. Pieces that share a chunk
 * of either never run at the same time, and follow each other in a fixed order: round r takes each
 * chunk of keys to the chunk of queries r further on.
 */
final class AttentionBackward {
  private static final int L = Lanes.F.length();

  private final AttentionSizes sizes;
  private final HeadRows dq;
  private final HeadRows dk;
  private final HeadRows dv;
  private final HeadRows dout;
  private final HeadRows out;
  private final float[] lse;
  private final int lseStart;
  private final HeadRows q;
  private final HeadRows k;
  private final HeadRows v;
  private final DropoutMask mask;
  private final int width;
  private final int floats;

  // Where things lie in scratch memory. The rows of a chunk of queries:
  private final int queries; // (chunk, width)
  private final int douts; // (chunk, width)
  private final int dqueries; // (chunk, width)
  private final int parts; // (chunk, L)
  private final int deltas; // (chunk)
  private final int sums; // (chunk), logarithms
  // A block of keys:
  private final int keysT; // (headSize, BLOCK), transposed
  private final int valuesT; // (headSize, BLOCK), transposed
  private final int keys; // (BLOCK, width)
  private final int dkeys; // (BLOCK, width)
  private final int dvalues; // (BLOCK, width)
  // A block of keys against a block of queries:
  private final int weights; // (BLOCK, BLOCK)
  private final int dscores; // (BLOCK, BLOCK)
  private final int factors; // (BLOCK, BLOCK)

  AttentionBackward(
      AttentionSizes sizes,
      HeadRows dq,
      HeadRows dk,
      HeadRows dv,
      HeadRows dout,
      HeadRows out,
      float[] lse,
      int lseStart,
      HeadRows q,
      HeadRows k,
      HeadRows v,
      DropoutMask mask) {
    this.sizes = sizes;
    this.dq = dq;
    this.dk = dk;
    this.dv = dv;
    this.dout = dout;
    this.out = out;
    this.lse = lse;
    this.lseStart = lseStart;
    this.q = q;
    this.k = k;
    this.v = v;
    this.mask = mask;
    width = AttentionBlocks.padded(sizes.headSize());
    int chunk = sizes.chunkRows();
    queries = 0;
    douts = queries + chunk * width;
    dqueries = douts + chunk * width;
    parts = dqueries + chunk * width;
    deltas = parts + chunk * L;
    sums = deltas + chunk;
    keysT = sums + chunk;
    valuesT = keysT + sizes.headSize() * BLOCK;
    keys = valuesT + sizes.headSize() * BLOCK;
    dkeys = keys + BLOCK * width;
    dvalues = dkeys + BLOCK * width;
    weights = dvalues + BLOCK * width;
    dscores = weights + BLOCK * BLOCK;
    factors = dscores + BLOCK * BLOCK;
    floats = factors + (mask.isNone() ? 0 : BLOCK * BLOCK);
  }

  /** How much scratch memory a piece needs. */
  int floats() {
    return floats;
  }

  /**
   * Computes what the queries {@code [from, to)} and the keys {@code [keyFrom, keyTo)} of head
   * {@code h} of batch element {@code b} mean to each other.
   *
   * @param firstQ whether this overwrites dq rather than adding to it
   * @param firstK whether this overwrites dk and dv
   */
  void run(
      int b,
      int h,
      int from,
      int to,
      int keyFrom,
      int keyTo,
      boolean firstQ,
      boolean firstK,
      float[] w) {
    int headSize = sizes.headSize();
    int column = h * headSize;
    int count = to - from;
    AttentionRows.copy(
        w, queries, width, q.array(), q.at(b, from, column), q.stride(), count, headSize);
    AttentionRows.copy(
        w, douts, width, dout.array(), dout.at(b, from, column), dout.stride(), count, headSize);
    AttentionRows.dots(
        w,
        parts,
        w,
        douts,
        width,
        out.array(),
        out.at(b, from, column),
        out.stride(),
        count,
        headSize);
    AttentionRows.totals(w, deltas, parts, count);
    System.arraycopy(lse, lseStart + sizes.row(b, h, from), w, sums, count);
    Arrays.fill(w, dqueries, dqueries + count * width, 0);

    int end = Math.min(keyTo, sizes.keysSeen(b, to));
    for (int key = keyFrom; key < keyTo; key += BLOCK) {
      int n = Math.min(BLOCK, end - key);
      int held = Math.min(BLOCK, keyTo - key);
      Arrays.fill(w, dkeys, dkeys + BLOCK * width, 0);
      Arrays.fill(w, dvalues, dvalues + BLOCK * width, 0);
      if (n > 0) {
        pack(b, column, key, n, w);
        for (int query = from; query < to; query += BLOCK) {
          int rows = Math.min(BLOCK, to - query);
          if (sizes.visible(b, query + rows - 1, key) > 0) {
            block(b, h, query, query - from, rows, key, n, w);
          }
        }
      }
      AttentionRows.scaled(
          dk.array(),
          dk.at(b, key, column),
          dk.stride(),
          w,
          dkeys,
          width,
          held,
          headSize,
          sizes.scale(),
          !firstK);
      AttentionRows.scaled(
          dv.array(),
          dv.at(b, key, column),
          dv.stride(),
          w,
          dvalues,
          width,
          held,
          headSize,
          1,
          !firstK);
    }
    AttentionRows.scaled(
        dq.array(),
        dq.at(b, from, column),
        dq.stride(),
        w,
        dqueries,
        width,
        count,
        headSize,
        sizes.scale(),
        !firstQ);
  }

  private void pack(int b, int column, int key, int n, float[] w) {
    int headSize = sizes.headSize();
    Panels.interleave(headSize, k.array(), k.at(b, key, column), k.stride(), n, w, keysT, BLOCK);
    Panels.interleave(headSize, v.array(), v.at(b, key, column), v.stride(), n, w, valuesT, BLOCK);
    AttentionRows.copy(w, keys, width, k.array(), k.at(b, key, column), k.stride(), n, headSize);
  }

  /** Takes a block of keys and a block of queries, which starts at row {@code at}, together. */
  private void block(int b, int h, int query, int at, int rows, int key, int n, float[] w) {
    int headSize = sizes.headSize();
    int visible = sizes.visible(b, query, key);
    int slope = sizes.slope();
    int qs = queries + at * width;
    int ds = douts + at * width;
    AttentionBlocks.scores(w, weights, qs, width, keysT, rows, headSize, visible, slope, n);
    AttentionBlocks.scores(w, dscores, ds, width, valuesT, rows, headSize, visible, slope, n);
    AttentionRows.exponentials(
        w, weights, rows, visible, slope, n, sizes.scale(), sums + at, parts + at * L);
    if (mask.isNone()) {
      AttentionRows.gradients(w, dscores, weights, rows, visible, slope, n, deltas + at);
    } else {
      for (int i = 0; i < rows; i++) {
        long row = Dropout.rowStart(sizes.row(b, h, query + i), sizes.keys());
        int extent = AttentionBlocks.extent(i, visible, slope, n);
        mask.fill(w, factors + i * BLOCK, row + key, extent);
      }
      AttentionRows.droppedGradients(
          w, dscores, weights, factors, rows, visible, slope, n, deltas + at);
    }
    AttentionBlocks.overQueries(w, dvalues, weights, ds, width, rows, visible, slope, n);
    AttentionBlocks.overQueries(w, dkeys, dscores, qs, width, rows, visible, slope, n);
    AttentionBlocks.overKeys(
        w, dqueries + at * width, dscores, keys, width, rows, visible, slope, n, true);
  }
}

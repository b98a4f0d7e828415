package jambic.tensor.cpu.attention;

import static jambic.tensor.cpu.attention.AttentionRows.BLOCK;

import jambic.tensor.cpu.gemm.Panels;
import jambic.tensor.cpu.simd.DropoutMask;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.Dropout;
import java.util.Arrays;

/**
 * The forward pass of one launch. A piece is a chunk of the queries of one head: its output,
 * running maxima and running sums stay in the worker's scratch memory while the keys and values
 * pass by, block after block.
 *
 * <p>Blocks of scores lie transposed, with the queries in the lanes: then the softmax is the same
 * work in every lane, and the weights lie as the tiles read them fastest.
 */
public final class AttentionForward {
  private static final int L = Lanes.F.length();

  private final AttentionSizes sizes;
  private final HeadRows out;
  private final float[] lse;
  private final int lseStart;
  private final HeadRows q;
  private final KeyRows k;
  private final KeyRows v;
  private final DropoutMask mask;
  private final int width;
  private final int floats;

  // Where things lie in scratch memory.
  private final int queries; // (headSize, BLOCK) for each block of the chunk: transposed
  private final int sums; // (chunk, width)
  private final int shifts; // (chunk)
  private final int totals; // (chunk)
  private final int shrinks; // (BLOCK)
  private final int zeros; // (BLOCK)
  private final int ignored; // (BLOCK)
  private final int keys; // (BLOCK, width)
  private final int values; // (BLOCK, width)
  private final int weights; // (BLOCK, BLOCK), a row for each key
  private final int factors; // (BLOCK, BLOCK), a row for each key

  /**
   * A launch.
   *
   * @param lse receives the logarithms of the sums from {@code lseStart}; if empty, they are not
   *     wanted
   */
  public AttentionForward(
      AttentionSizes sizes,
      HeadRows out,
      float[] lse,
      int lseStart,
      HeadRows q,
      KeyRows k,
      KeyRows v,
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
    queries = Workers.ALIGN;
    sums = queries + chunk * sizes.headSize();
    shifts = sums + chunk * width;
    totals = shifts + chunk;
    shrinks = totals + chunk;
    zeros = shrinks + BLOCK;
    ignored = zeros + BLOCK;
    keys = ignored + BLOCK;
    values = keys + BLOCK * width;
    weights = values + BLOCK * width;
    factors = weights + BLOCK * BLOCK;
    floats = factors + (mask.isNone() ? 0 : BLOCK * BLOCK);
  }

  /** The sizes of the launch. */
  public AttentionSizes sizes() {
    return sizes;
  }

  /** How much scratch memory a piece needs. */
  public int floats() {
    return floats;
  }

  /** Computes the queries {@code [from, to)} of head {@code h} of batch element {@code b}. */
  public void run(int b, int h, int from, int to, float[] w) {
    int headSize = sizes.headSize();
    int column = h * headSize;
    int chunk = sizes.chunkRows();
    int count = to - from;
    int end = sizes.keysSeen(b, to);
    Arrays.fill(w, shifts, shifts + chunk, Float.NEGATIVE_INFINITY);
    Arrays.fill(w, totals, totals + chunk, 0);
    Arrays.fill(w, zeros, zeros + BLOCK, 0);
    for (int at = 0; at < count; at += BLOCK) {
      int rows = Math.min(BLOCK, count - at);
      Panels.interleave(
          headSize,
          q.array(),
          q.at(b, from + at, column),
          q.stride(),
          rows,
          w,
          queries + at * headSize,
          BLOCK);
    }
    for (int key = 0; key < end; key += BLOCK) {
      int n = Math.min(BLOCK, end - key);
      boolean keysInPlace = k.readable(b, key, column, AttentionBlocks.tiles(n), headSize);
      float[] ks = keysInPlace ? k.array() : w;
      int ki = keysInPlace ? k.at(b, key, column) : keys;
      int kStride = keysInPlace ? k.stride() : width;
      if (!keysInPlace) {
        k.copy(w, keys, width, b, key, column, n, headSize);
      }
      boolean valuesInPlace = v.readable(b, key, column, n, width);
      float[] vs = valuesInPlace ? v.array() : w;
      int vi = valuesInPlace ? v.at(b, key, column) : values;
      int vStride = valuesInPlace ? v.stride() : width;
      if (!valuesInPlace) {
        v.copy(w, values, width, b, key, column, n, headSize);
      }
      for (int query = from; query < to; query += BLOCK) {
        int rows = Math.min(BLOCK, to - query);
        int visible = sizes.visible(b, query, key);
        int slope = sizes.slope();
        if (visible + (rows - 1) * slope <= 0) {
          continue;
        }
        int at = query - from;
        AttentionBlocks.scoresT(
            w,
            weights,
            ks,
            ki,
            kStride,
            queries + at * headSize,
            rows,
            headSize,
            visible,
            slope,
            n);
        softmax(at, rows, visible, slope, key, n, w);
        if (!mask.isNone()) {
          long first = Dropout.rowStart(sizes.row(b, h, query), sizes.keys()) + key;
          long distance = Dropout.rowStart(1, sizes.keys());
          mask.fillTransposed(w, factors, BLOCK, first, distance, rows, n);
          AttentionColumns.drop(w, weights, factors, rows, visible, slope, n);
        }
        AttentionBlocks.overKeysT(
            w,
            sums + at * width,
            weights,
            vs,
            vi,
            vStride,
            width,
            rows,
            visible,
            slope,
            n,
            key != 0);
      }
    }
    AttentionColumns.finish(w, shifts, totals, count);
    if (lse.length > 0) {
      System.arraycopy(w, shifts, lse, lseStart + sizes.row(b, h, from), count);
    }
    AttentionRows.scaled(
        out.array(),
        out.at(b, from, column),
        out.stride(),
        w,
        sums,
        width,
        count,
        headSize,
        totals);
  }

  /** One step of the online softmax, of the queries from row {@code at} of the chunk. */
  private void softmax(int at, int rows, int visible, int slope, int key, int n, float[] w) {
    float scale = sizes.scale();
    AttentionColumns.maxima(w, weights, rows, visible, slope, n, scale, shifts + at, shrinks);
    if (key != 0) {
      AttentionColumns.exponentials(w, shrinks, rows, 1, 0, 1, 1, zeros, ignored);
      AttentionColumns.multiply(w, totals + at, shrinks, rows);
      AttentionRows.multiply(w, sums + at * width, width, shrinks, rows);
    }
    AttentionColumns.exponentials(
        w, weights, rows, visible, slope, n, scale, shifts + at, totals + at);
  }
}

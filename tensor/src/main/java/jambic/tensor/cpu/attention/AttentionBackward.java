package jambic.tensor.cpu.attention;

import static jambic.tensor.cpu.attention.AttentionBlocks.R;
import static jambic.tensor.cpu.attention.AttentionRows.BLOCK;

import jambic.tensor.cpu.gemm.Panels;
import jambic.tensor.cpu.gemm.RowDots;
import jambic.tensor.cpu.simd.DropoutMask;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.Dropout;

/**
 * The backward pass of one launch. A piece is a chunk of keys against a chunk of queries of one
 * head: it computes their weights once more and adds to three gradients. Pieces that share a chunk
 * of either never run at the same time, and follow each other in a fixed order: round r takes each
 * chunk of keys to the chunk of queries r further on.
 *
 * <p>Blocks of scores lie with the keys in the lanes: this softmax needs no sums, and two of the
 * five products read the weights as the tiles like it, against one the other way round.
 */
public final class AttentionBackward {
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

  // Where things lie in scratch memory. What could be read or written in place is, and leaves its
  // place here unused.
  private final int queries; // (chunk, width)
  private final int douts; // (chunk, width)
  private final int dqueries; // (chunk, width)
  private final int parts; // of the deltas
  private final int deltas; // (chunk)
  private final int logs; // (chunk)
  private final int keysT; // (headSize, BLOCK), transposed
  private final int valuesT; // (headSize, BLOCK), transposed
  private final int keys; // (BLOCK, width)
  private final int dkeys; // (BLOCK, width)
  private final int dvalues; // (BLOCK, width)
  private final int weights; // (BLOCK, BLOCK)
  private final int dscores; // (BLOCK, BLOCK)
  private final int factors; // (BLOCK, BLOCK)

  public AttentionBackward(
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
    queries = Workers.ALIGN;
    douts = queries + chunk * width;
    dqueries = douts + chunk * width;
    parts = dqueries + chunk * width;
    deltas = parts + RowDots.parts(chunk);
    logs = deltas + chunk;
    keysT = logs + chunk;
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
  public int floats() {
    return floats;
  }

  /**
   * Computes what the queries {@code [from, to)} and the keys {@code [keyFrom, keyTo)} of head
   * {@code h} of batch element {@code b} mean to each other.
   *
   * @param firstQ whether this overwrites dq rather than adding to it
   * @param firstK whether this overwrites dk and dv
   */
  public void run(
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
    int end = Math.min(keyTo, sizes.keysSeen(b, to));

    boolean qInPlace = q.readable(b, from, column, AttentionBlocks.tiles(count), width);
    float[] qs = qInPlace ? q.array() : w;
    int qi = qInPlace ? q.at(b, from, column) : queries;
    int qStride = qInPlace ? q.stride() : width;
    if (!qInPlace) {
      q.copy(w, queries, width, b, from, column, count, headSize);
    }
    boolean doutInPlace = dout.readable(b, from, column, AttentionBlocks.tiles(count), width);
    float[] douts = doutInPlace ? dout.array() : w;
    int doi = doutInPlace ? dout.at(b, from, column) : this.douts;
    int doutStride = doutInPlace ? dout.stride() : width;
    if (!doutInPlace) {
      dout.copy(w, this.douts, width, b, from, column, count, headSize);
    }
    boolean dqInPlace = width == headSize && count % R == 0;
    float[] dqs = dqInPlace ? dq.array() : w;
    int dqi = dqInPlace ? dq.at(b, from, column) : dqueries;
    int dqStride = dqInPlace ? dq.stride() : width;

    RowDots.multiply(
        w,
        deltas,
        parts,
        dout.array(),
        dout.at(b, from, column),
        dout.stride(),
        out.array(),
        out.at(b, from, column),
        out.stride(),
        count,
        headSize);
    System.arraycopy(lse, lseStart + sizes.row(b, h, from), w, logs, count);
    for (int key = keyFrom; key < end; key += BLOCK) {
      int n = Math.min(BLOCK, end - key);
      Panels.interleave(headSize, k.array(), k.at(b, key, column), k.stride(), n, w, keysT, BLOCK);
      Panels.interleave(
          headSize, v.array(), v.at(b, key, column), v.stride(), n, w, valuesT, BLOCK);
      boolean kInPlace = k.readable(b, key, column, n, width);
      float[] ks = kInPlace ? k.array() : w;
      int ki = kInPlace ? k.at(b, key, column) : keys;
      int kStride = kInPlace ? k.stride() : width;
      if (!kInPlace) {
        k.copy(w, keys, width, b, key, column, n, headSize);
      }
      boolean dkInPlace = width == headSize && n % R == 0;
      float[] dks = dkInPlace ? dk.array() : w;
      int dki = dkInPlace ? dk.at(b, key, column) : dkeys;
      int dkStride = dkInPlace ? dk.stride() : width;
      float[] dvs = dkInPlace ? dv.array() : w;
      int dvi = dkInPlace ? dv.at(b, key, column) : dvalues;
      int dvStride = dkInPlace ? dv.stride() : width;
      boolean addK = dkInPlace && !firstK;
      boolean addQ = key > keyFrom || dqInPlace && !firstQ;
      for (int query = from; query < to; query += BLOCK) {
        int rows = Math.min(BLOCK, to - query);
        int visible = sizes.visible(b, query, key);
        int slope = sizes.slope();
        if (visible + (rows - 1) * slope <= 0) {
          continue;
        }
        int at = query - from;
        int qAt = qi + at * qStride;
        int doAt = doi + at * doutStride;
        AttentionBlocks.scores(
            w, weights, qs, qAt, qStride, keysT, rows, headSize, visible, slope, n);
        AttentionBlocks.scores(
            w, dscores, douts, doAt, doutStride, valuesT, rows, headSize, visible, slope, n);
        softmax(b, h, query, at, rows, key, visible, slope, n, w);
        AttentionBlocks.overQueries(
            dvs,
            dvi,
            dvStride,
            w,
            weights,
            douts,
            doAt,
            doutStride,
            width,
            rows,
            visible,
            slope,
            n,
            addK);
        AttentionBlocks.overQueries(
            dks, dki, dkStride, w, dscores, qs, qAt, qStride, width, rows, visible, slope, n, addK);
        AttentionBlocks.overKeys(
            dqs,
            dqi + at * dqStride,
            dqStride,
            w,
            dscores,
            ks,
            ki,
            kStride,
            width,
            rows,
            visible,
            slope,
            n,
            addQ);
        addK = true;
      }
      if (!dkInPlace) {
        dk.put(w, dkeys, width, b, key, column, n, headSize, !firstK);
        dv.put(w, dvalues, width, b, key, column, n, headSize, !firstK);
      }
    }
    if (firstQ && end <= keyFrom) {
      dq.clear(b, from, column, count, headSize);
    } else if (!dqInPlace && end > keyFrom) {
      dq.put(w, dqueries, width, b, from, column, count, headSize, !firstQ);
    }
    int padding = Math.max(keyFrom, end);
    if (firstK && padding < keyTo) {
      dk.clear(b, padding, column, keyTo - padding, headSize);
      dv.clear(b, padding, column, keyTo - padding, headSize);
    }
  }

  /** The softmax and its gradient, of the queries from row {@code at} of the chunk. */
  private void softmax(
      int b,
      int h,
      int query,
      int at,
      int rows,
      int key,
      int visible,
      int slope,
      int n,
      float[] w) {
    AttentionRows.exponentials(w, weights, rows, visible, slope, n, sizes.scale(), logs + at);
    if (mask.isNone()) {
      AttentionRows.gradients(
          w, dscores, weights, rows, visible, slope, n, sizes.scale(), deltas + at);
      return;
    }
    for (int i = 0; i < rows; i++) {
      long row = Dropout.rowStart(sizes.row(b, h, query + i), sizes.keys());
      mask.fill(w, factors + i * BLOCK, row + key, AttentionBlocks.extent(i, visible, slope, n));
    }
    AttentionRows.droppedGradients(
        w, dscores, weights, factors, rows, visible, slope, n, sizes.scale(), deltas + at);
  }
}

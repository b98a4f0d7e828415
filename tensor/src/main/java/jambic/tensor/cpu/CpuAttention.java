package jambic.tensor.cpu;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.attention.AttentionBackward;
import jambic.tensor.cpu.attention.AttentionDecode;
import jambic.tensor.cpu.attention.AttentionForward;
import jambic.tensor.cpu.attention.AttentionSizes;
import jambic.tensor.cpu.attention.HeadRows;
import jambic.tensor.cpu.attention.PageRows;
import jambic.tensor.cpu.gemm.Tile;
import jambic.tensor.cpu.simd.DropoutMask;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.HostStorage;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Dropout;

/**
 * Attention on the CPU. A piece of work is a head, or a chunk of its queries (and, backward, of its
 * keys) where it is long: {@link AttentionForward}, {@link AttentionBackward}, {@link
 * AttentionDecode}.
 *
 * <p>With heads of 64 numbers about four fifths of the time is multiply-adds in {@link Tile}, the
 * rest exponentials; dropout adds about a fifth, for its random numbers. Small heads (8 queries of
 * 8 numbers) are bound by the calls of a dozen kernels each, decoding by reading the cache.
 */
final class CpuAttention implements AttentionKernels {
  /**
   * Multiply-adds: tiny heads are handed out several at a time, for that to take less than they.
   */
  private static final int SMALLEST_PIECE = 1 << 13;

  /** Numbers of keys: a worker copies at least as many, and their values. */
  private static final int SMALLEST_COPY = 1 << 13;

  private static final int[] NONE = {};
  private static final float[] NO_LSE = {};

  private final Workers workers;

  CpuAttention(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void forward(
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout) {
    AttentionSizes sizes = sizes(q, k, lengths, heads, causal, scale);
    forward(
        new AttentionForward(
            sizes,
            HeadRows.of(out),
            HostStorage.floats(lse),
            HostStorage.offset(lse),
            HeadRows.of(q),
            HeadRows.of(k),
            HeadRows.of(v),
            new DropoutMask(dropout)));
  }

  private void forward(AttentionForward forward) {
    AttentionSizes sizes = forward.sizes();
    int heads = sizes.heads();
    int chunk = sizes.chunkRows();
    int chunks = (sizes.queries() + chunk - 1) / chunk;
    int all = sizes.batch() * heads;
    // The last chunks of a head see the most keys when attention is causal: they go first.
    pieces(
        all * chunks,
        sizes,
        (i, worker) -> {
          int c = chunks - 1 - i % chunks;
          int head = i / chunks;
          forward.run(
              head / heads,
              head % heads,
              c * chunk,
              Math.min(sizes.queries(), (c + 1) * chunk),
              workers.scratch(worker, forward.floats()));
        });
  }

  @Override
  public void backward(
      Tensor dq,
      Tensor dk,
      Tensor dv,
      Tensor dout,
      Tensor out,
      Tensor lse,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor lengths,
      int heads,
      boolean causal,
      float scale,
      Dropout dropout) {
    AttentionSizes sizes = sizes(q, k, lengths, heads, causal, scale);
    AttentionBackward backward =
        new AttentionBackward(
            sizes,
            HeadRows.of(dq),
            HeadRows.of(dk),
            HeadRows.of(dv),
            HeadRows.of(dout),
            HeadRows.of(out),
            HostStorage.floats(lse),
            HostStorage.offset(lse),
            HeadRows.of(q),
            HeadRows.of(k),
            HeadRows.of(v),
            new DropoutMask(dropout));
    int chunk = sizes.chunkRows();
    int queryChunks = (sizes.queries() + chunk - 1) / chunk;
    int keyChunks = (sizes.keys() + chunk - 1) / chunk;
    int rounds = Math.max(queryChunks, keyChunks);
    int all = sizes.batch() * heads;
    for (int r = 0; r < rounds; r++) {
      int round = r;
      pieces(
          all * keyChunks,
          sizes,
          (i, worker) -> {
            int kc = i % keyChunks;
            int qc = (kc + round) % rounds;
            int head = i / keyChunks;
            if (qc >= queryChunks || causal && qc < kc) {
              return;
            }
            backward.run(
                head / heads,
                head % heads,
                qc * chunk,
                Math.min(sizes.queries(), (qc + 1) * chunk),
                kc * chunk,
                Math.min(sizes.keys(), (kc + 1) * chunk),
                round == Math.max(0, qc - keyChunks + 1),
                round == (kc < queryChunks ? 0 : rounds - kc),
                workers.scratch(worker, backward.floats()));
          });
    }
  }

  @Override
  public void paged(
      Tensor out,
      Tensor kPages,
      Tensor vPages,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor rows,
      Tensor starts,
      Tensor pages,
      int heads,
      float scale) {
    int c = out.dim(-1);
    int batch = pages.dim(0);
    int positions = pages.dim(1) * kPages.dim(1);
    int[] start = HostStorage.ints(starts);
    int[] row = HostStorage.ints(rows);
    int rowsAt = HostStorage.offset(rows);
    int startsAt = HostStorage.offset(starts);
    PageRows keys = PageRows.of(kPages, pages);
    PageRows values = PageRows.of(vPages, pages);
    int[] single = new int[batch]; // the sequences with one new token
    int singles = 0;
    for (int b = 0; b < batch; b++) {
      int first = row[rowsAt + b];
      int count = row[rowsAt + b + 1] - first;
      HeadRows newKeys = rows(k, first, count);
      HeadRows newValues = rows(v, first, count);
      int at = start[startsAt + b];
      keys.put(newKeys.array(), newKeys.start(), newKeys.stride(), b, at, count, c);
      values.put(newValues.array(), newValues.start(), newValues.stride(), b, at, count, c);
      if (count == 1) {
        single[singles++] = b;
        continue;
      }
      AttentionSizes sizes =
          new AttentionSizes(
              1, heads, c / heads, count, positions, true, scale, NONE, 0, start, startsAt + b);
      forward(
          new AttentionForward(
              sizes,
              rows(out, first, count),
              NO_LSE,
              0,
              rows(q, first, count),
              keys.from(b),
              values.from(b),
              DropoutMask.NONE));
    }
    AttentionSizes sizes =
        new AttentionSizes(
            batch, heads, c / heads, 1, positions, true, scale, NONE, 0, start, startsAt);
    AttentionDecode decode =
        new AttentionDecode(sizes, rows(out, 0, 1), rows(q, 0, 1), keys, values);
    pieces(
        singles * heads,
        sizes,
        (i, worker) -> {
          int b = single[i / heads];
          decode.run(b, row[rowsAt + b], i % heads, workers.scratch(worker, decode.floats()));
        });
  }

  @Override
  public void copyPages(Tensor kPages, Tensor vPages, Tensor from, Tensor to) {
    Indices.requirePageCopies("copyPages", from, to, kPages.dim(0));
    int[] sources = HostStorage.ints(from);
    int[] targets = HostStorage.ints(to);
    int pairs = (int) to.size();
    int size = kPages.dim(1) * kPages.dim(2);
    int pairsPerPiece = Math.max(1, SMALLEST_COPY / Math.max(1, size));
    workers.parallel(
        Math.ceilDiv(pairs, pairsPerPiece),
        (piece, worker) -> {
          int end = Math.min(pairs, (piece + 1) * pairsPerPiece);
          for (int i = piece * pairsPerPiece; i < end; i++) {
            int source = sources[HostStorage.offset(from) + i] * size;
            int target = targets[HostStorage.offset(to) + i] * size;
            if (source != target) {
              copy(kPages, source, target, size);
              copy(vPages, source, target, size);
            }
          }
        });
  }

  private static void copy(Tensor x, int from, int to, int count) {
    int start = HostStorage.offset(x);
    float[] all = HostStorage.floats(x);
    System.arraycopy(all, start + from, all, start + to, count);
  }

  /** Some rows, of {@code count} a batch element, of a tensor of any rank. */
  private static HeadRows rows(Tensor x, int first, int count) {
    int stride = x.rowStride();
    return new HeadRows(
        HostStorage.floats(x), HostStorage.offset(x) + first * stride, stride, count);
  }

  /** Runs the pieces, several to a task when they are tiny. */
  private void pieces(int count, AttentionSizes sizes, Workers.Task piece) {
    int rows = Math.min(sizes.queries(), sizes.chunkRows());
    long work = Math.max(1, (long) rows * sizes.keys() * sizes.headSize());
    int group = (int) Math.max(1, SMALLEST_PIECE / work);
    workers.parallel(
        (count + group - 1) / group,
        (index, worker) -> {
          int end = Math.min(count, (index + 1) * group);
          for (int i = index * group; i < end; i++) {
            piece.run(i, worker);
          }
        });
  }

  private static AttentionSizes sizes(
      Tensor q, Tensor k, Tensor lengths, int heads, boolean causal, float scale) {
    Indices.requireLengths("attention", lengths, k.dim(1));
    return new AttentionSizes(
        q.dim(0),
        heads,
        q.dim(2) / heads,
        q.dim(1),
        k.dim(1),
        causal,
        scale,
        lengths.isNone() ? NONE : HostStorage.ints(lengths),
        lengths.isNone() ? 0 : HostStorage.offset(lengths),
        NONE,
        0);
  }
}

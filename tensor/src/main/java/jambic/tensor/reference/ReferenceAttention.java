package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.AttentionKernels;
import jambic.tensor.spi.Dropout;
import java.util.Arrays;
import java.util.List;

/** Attention, one query of one head at a time. */
final class ReferenceAttention implements AttentionKernels {
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
    Indices.requireLengths("attention", lengths, k.dim(1));
    int queries = q.dim(1);
    int keys = k.dim(1);
    int size = q.dim(2) / heads;
    DropoutMask mask = new DropoutMask(dropout);
    double[] weights = new double[keys];
    double[] row = new double[size];
    for (int b = 0; b < q.dim(0); b++) {
      for (int h = 0; h < heads; h++) {
        for (int t = 0; t < queries; t++) {
          int seen = seen(b, t, keys, lengths, causal);
          int r = (b * heads + h) * queries + t;
          scores(weights, q, at(q, b, t, h, size), k, at(k, b, 0, h, size), seen, size, scale);
          floats(lse)[offset(lse) + r] = (float) softmax(weights, seen);
          long element = Dropout.rowStart(r, keys);
          Arrays.fill(row, 0);
          for (int s = 0; s < seen; s++) {
            double weight = weights[s] * mask.factor(element + s);
            Rows.addScaled(row, weight, floats(v), at(v, b, s, h, size), size);
          }
          Rows.store(floats(out), at(out, b, t, h, size), row, size);
        }
      }
    }
  }

  /**
   * With p the weights of a query, m its dropout factors and {@code w = m p}: {@code dv += w dout},
   * {@code dw = dout · v}, {@code ds = scale p (m dw - dout · out)}, {@code dq = ds k}, {@code dk
   * += ds q}.
   */
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
    Indices.requireLengths("attention", lengths, k.dim(1));
    int queries = q.dim(1);
    int keys = k.dim(1);
    int size = q.dim(2) / heads;
    float[] douts = floats(dout);
    DropoutMask mask = new DropoutMask(dropout);
    double[] scores = new double[keys];
    double[] dqRow = new double[size];
    double[][] dkRows = new double[keys][size];
    double[][] dvRows = new double[keys][size];
    for (int b = 0; b < q.dim(0); b++) {
      for (int h = 0; h < heads; h++) {
        for (int s = 0; s < keys; s++) {
          Arrays.fill(dkRows[s], 0);
          Arrays.fill(dvRows[s], 0);
        }
        for (int t = 0; t < queries; t++) {
          int seen = seen(b, t, keys, lengths, causal);
          int r = (b * heads + h) * queries + t;
          int qRow = at(q, b, t, h, size);
          int doutRow = at(dout, b, t, h, size);
          scores(scores, q, qRow, k, at(k, b, 0, h, size), seen, size, scale);
          double rowLse = floats(lse)[offset(lse) + r];
          double along = Rows.dot(douts, doutRow, floats(out), at(out, b, t, h, size), size);
          long element = Dropout.rowStart(r, keys);
          Arrays.fill(dqRow, 0);
          for (int s = 0; s < seen; s++) {
            double p = Math.exp(scores[s] - rowLse);
            double factor = mask.factor(element + s);
            double dw = Rows.dot(douts, doutRow, floats(v), at(v, b, s, h, size), size);
            double ds = scale * p * (factor * dw - along);
            Rows.addScaled(dvRows[s], p * factor, douts, doutRow, size);
            Rows.addScaled(dqRow, ds, floats(k), at(k, b, s, h, size), size);
            Rows.addScaled(dkRows[s], ds, floats(q), qRow, size);
          }
          Rows.store(floats(dq), at(dq, b, t, h, size), dqRow, size);
        }
        for (int s = 0; s < keys; s++) {
          Rows.store(floats(dk), at(dk, b, s, h, size), dkRows[s], size);
          Rows.store(floats(dv), at(dv, b, s, h, size), dvRows[s], size);
        }
      }
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
    int width = q.dim(-1);
    int size = width / heads;
    double[] weights = new double[pages.dim(1) * kPages.dim(1)];
    double[] result = new double[size];
    for (int b = 0; b < pages.dim(0); b++) {
      int first = ints(rows)[offset(rows) + b];
      int count = ints(rows)[offset(rows) + b + 1] - first;
      int start = ints(starts)[offset(starts) + b];
      for (int t = 0; t < count; t++) {
        copyRow(kPages, paged(kPages, pages, b, start + t), k, row(k, first + t), width);
        copyRow(vPages, paged(vPages, pages, b, start + t), v, row(v, first + t), width);
      }
      for (int h = 0; h < heads; h++) {
        for (int t = 0; t < count; t++) {
          int query = row(q, first + t) + h * size;
          int seen = start + t + 1;
          for (int s = 0; s < seen; s++) {
            int key = paged(kPages, pages, b, s) + h * size;
            weights[s] = scale * Rows.dot(floats(q), query, floats(kPages), key, size);
          }
          softmax(weights, seen);
          Arrays.fill(result, 0);
          for (int s = 0; s < seen; s++) {
            int value = paged(vPages, pages, b, s) + h * size;
            Rows.addScaled(result, weights[s], floats(vPages), value, size);
          }
          Rows.store(floats(out), row(out, first + t) + h * size, result, size);
        }
      }
    }
  }

  @Override
  public void copyPages(Tensor kPages, Tensor vPages, Tensor from, Tensor to) {
    Indices.requirePageCopies("copyPages", from, to, kPages.dim(0));
    for (int i = 0; i < to.size(); i++) {
      int source = ints(from)[offset(from) + i] * kPages.dim(1);
      int target = ints(to)[offset(to) + i] * kPages.dim(1);
      for (int s = 0; s < kPages.dim(1); s++) {
        for (Tensor pool : List.of(kPages, vPages)) {
          copyRow(pool, row(pool, target + s), pool, row(pool, source + s), pool.dim(2));
        }
      }
    }
  }

  /** The array index of position p of sequence b in a pool of pages. */
  private static int paged(Tensor pool, Tensor pages, int b, int p) {
    int size = pool.dim(1);
    int page = ints(pages)[offset(pages) + b * pages.dim(1) + p / size];
    return row(pool, page * size + p % size);
  }

  /** The array index of a row. */
  private static int row(Tensor x, int row) {
    return offset(x) + row * x.rowStride();
  }

  /** How many keys, from the first, query t of batch row b attends to. */
  private static int seen(int b, int t, int keys, Tensor lengths, boolean causal) {
    int length = lengths.isNone() ? keys : ints(lengths)[offset(lengths) + b];
    return causal ? Math.min(t + 1, length) : length;
  }

  /** The array index of head h at position t of batch row b. */
  private static int at(Tensor x, int b, int t, int h, int size) {
    return offset(x) + (b * x.dim(1) + t) * x.rowStride() + h * size;
  }

  private static void scores(
      double[] scores, Tensor q, int qRow, Tensor k, int kRow, int seen, int size, float scale) {
    for (int s = 0; s < seen; s++) {
      double dot = Rows.dot(floats(q), qRow, floats(k), kRow + s * k.rowStride(), size);
      scores[s] = scale * dot;
    }
  }

  /** Turns scores into weights; returns the logarithm of the sum of their exponentials. */
  private static double softmax(double[] scores, int n) {
    double max = Double.NEGATIVE_INFINITY;
    for (int s = 0; s < n; s++) {
      max = Math.max(max, scores[s]);
    }
    double sum = 0;
    for (int s = 0; s < n; s++) {
      scores[s] = Math.exp(scores[s] - max);
      sum += scores[s];
    }
    for (int s = 0; s < n; s++) {
      scores[s] /= sum;
    }
    return max + Math.log(sum);
  }

  private static void copyRow(Tensor to, int toRow, Tensor from, int fromRow, int width) {
    System.arraycopy(floats(from), fromRow, floats(to), toRow, width);
  }
}

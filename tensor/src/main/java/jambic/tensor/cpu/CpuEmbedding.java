package jambic.tensor.cpu;

import static jambic.tensor.cpu.CpuElementwise.add;
import static jambic.tensor.cpu.CpuElementwise.multiply;
import static jambic.tensor.cpu.CpuElementwise.multiplyAdd;
import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.EmbeddingKernels;
import java.util.Arrays;

/**
 * Rows by their index: bound by memory. A forward pass is cut by rows, a backward pass by columns,
 * so that each element of a table has one thread that adds to it, in order of the tokens.
 */
final class CpuEmbedding implements EmbeddingKernels {
  /** Elements of a piece of the forward pass. */
  private static final int PIECE = 16384;

  /** Columns of a piece of the backward pass: whole cache lines, which no two threads share. */
  private static final int COLUMNS = 64;

  private final Workers workers;

  CpuEmbedding(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void forward(Tensor out, Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale) {
    Indices.requireIds("embed", ids, wte.dim(0));
    if (!wpe.isNone()) {
      Indices.requirePositions("embed", starts, ids.dim(-1), wpe.dim(0));
    }
    int c = wte.dim(-1);
    int t = ids.dim(-1);
    int rows = (int) ids.size();
    int rowsPerPiece = Math.ceilDiv(PIECE, c);
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (index, worker) -> {
          int end = Math.min(rows, (index + 1) * rowsPerPiece);
          for (int r = index * rowsPerPiece; r < end; r++) {
            int o = offset(out) + r * c;
            int token = offset(wte) + ints(ids)[offset(ids) + r] * c;
            if (wpe.isNone()) {
              multiply(floats(out), o, floats(wte), token, scale, c);
            } else {
              int start = starts.isNone() ? 0 : ints(starts)[offset(starts) + r / t];
              int position = offset(wpe) + (start + r % t) * c;
              multiplyAdd(floats(out), o, floats(wte), token, scale, floats(wpe), position, c);
            }
          }
        });
  }

  @Override
  public void backward(Tensor dwte, Tensor dwpe, Tensor dout, Tensor ids, float scale) {
    if (!dwte.isNone()) {
      Indices.requireIds("embed", ids, dwte.dim(0));
    }
    int c = dout.dim(-1);
    int t = ids.dim(-1);
    int rows = (int) ids.size();
    workers.parallel(
        Math.ceilDiv(c, COLUMNS),
        (index, worker) -> {
          int from = index * COLUMNS;
          int n = Math.min(COLUMNS, c - from);
          for (int r = 0; r < rows; r++) {
            int d = offset(dout) + r * c + from;
            if (!dwte.isNone()) {
              int token = offset(dwte) + ints(ids)[offset(ids) + r] * c + from;
              multiplyAdd(floats(dwte), token, floats(dout), d, scale, floats(dwte), token, n);
            }
            if (!dwpe.isNone()) {
              int position = offset(dwpe) + r % t * c + from;
              add(floats(dwpe), position, floats(dwpe), position, floats(dout), d, n);
            }
          }
        });
  }

  @Override
  public void rows(Tensor out, Tensor x, Tensor index) {
    Indices.requireRows("rows", index, x.shape().rows());
    int c = x.dim(-1);
    int rows = (int) index.size();
    int rowsPerPiece = Math.ceilDiv(PIECE, c);
    workers.parallel(
        Math.ceilDiv(rows, rowsPerPiece),
        (piece, worker) -> {
          int end = Math.min(rows, (piece + 1) * rowsPerPiece);
          for (int m = piece * rowsPerPiece; m < end; m++) {
            int from = offset(x) + ints(index)[offset(index) + m] * c;
            System.arraycopy(floats(x), from, floats(out), offset(out) + m * c, c);
          }
        });
  }

  @Override
  public void rowsBackward(Tensor dx, Tensor dout, Tensor index, boolean accumulate) {
    Indices.requireRows("rows", index, dx.shape().rows());
    int c = dx.dim(-1);
    int all = dx.shape().rows();
    int rows = (int) index.size();
    workers.parallel(
        Math.ceilDiv(c, COLUMNS),
        (piece, worker) -> {
          float[] sums = floats(dx);
          int from = piece * COLUMNS;
          int n = Math.min(COLUMNS, c - from);
          for (int r = 0; r < all && !accumulate; r++) {
            int row = offset(dx) + r * c + from;
            Arrays.fill(sums, row, row + n, 0);
          }
          for (int m = 0; m < rows; m++) {
            int row = offset(dx) + ints(index)[offset(index) + m] * c + from;
            add(sums, row, sums, row, floats(dout), offset(dout) + m * c + from, n);
          }
        });
  }
}

package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.ints;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.host.Indices;
import jambic.tensor.spi.EmbeddingKernels;
import java.util.Arrays;

/** One row of a table for each token, and one row of activations for each index. */
final class ReferenceEmbedding implements EmbeddingKernels {
  @Override
  public void forward(Tensor out, Tensor ids, Tensor wte, Tensor wpe, Tensor starts, float scale) {
    Indices.requireIds("embed", ids, wte.dim(0));
    if (!wpe.isNone()) {
      Indices.requirePositions("embed", starts, ids.dim(-1), wpe.dim(0));
    }
    int c = wte.dim(-1);
    int steps = ids.dim(-1);
    float[] os = floats(out);
    for (int i = 0; i < ids.size(); i++) {
      int o = offset(out) + i * c;
      int token = offset(wte) + ints(ids)[offset(ids) + i] * c;
      int start = starts.isNone() ? 0 : ints(starts)[offset(starts) + i / steps];
      for (int j = 0; j < c; j++) {
        float position = wpe.isNone() ? 0 : floats(wpe)[offset(wpe) + (start + i % steps) * c + j];
        os[o + j] = Math.fma(scale, floats(wte)[token + j], position);
      }
    }
  }

  @Override
  public void backward(Tensor dwte, Tensor dwpe, Tensor dout, Tensor ids, float scale) {
    if (!dwte.isNone()) {
      Indices.requireIds("embed", ids, dwte.dim(0));
    }
    int c = dout.dim(-1);
    int steps = ids.dim(-1);
    for (int i = 0; i < ids.size(); i++) {
      addRow(dwte, ints(ids)[offset(ids) + i], dout, i, c, scale);
      addRow(dwpe, i % steps, dout, i, c, 1);
    }
  }

  @Override
  public void rows(Tensor out, Tensor x, Tensor index) {
    Indices.requireRows("rows", index, x.shape().rows());
    int c = x.dim(-1);
    for (int m = 0; m < index.size(); m++) {
      int from = offset(x) + ints(index)[offset(index) + m] * c;
      System.arraycopy(floats(x), from, floats(out), offset(out) + m * c, c);
    }
  }

  @Override
  public void rowsBackward(Tensor dx, Tensor dout, Tensor index, boolean accumulate) {
    Indices.requireRows("rows", index, dx.shape().rows());
    if (!accumulate) {
      Arrays.fill(floats(dx), offset(dx), offset(dx) + (int) dx.size(), 0);
    }
    for (int m = 0; m < index.size(); m++) {
      addRow(dx, ints(index)[offset(index) + m], dout, m, dx.dim(-1), 1);
    }
  }

  private static void addRow(Tensor table, int row, Tensor dout, int i, int c, float scale) {
    if (table.isNone()) {
      return;
    }
    float[] sums = floats(table);
    float[] douts = floats(dout);
    for (int j = 0; j < c; j++) {
      int to = offset(table) + row * c + j;
      sums[to] = Math.fma(scale, douts[offset(dout) + i * c + j], sums[to]);
    }
  }
}

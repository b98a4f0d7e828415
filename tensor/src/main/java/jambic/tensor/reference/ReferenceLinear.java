package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.spi.LinearKernels;
import java.util.Arrays;

/** Matrix products of a linear layer: a row of the result at a time. */
final class ReferenceLinear implements LinearKernels {
  @Override
  public void forward(Tensor out, Tensor x, Tensor w, Tensor b) {
    int n = w.dim(0);
    int k = w.dim(1);
    int m = (int) (out.size() / n);
    float[] os = floats(out);
    float[] xs = floats(x);
    float[] ws = floats(w);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = Rows.dot(xs, offset(x) + i * k, ws, offset(w) + j * k, k);
        if (!b.isNone()) {
          sum += floats(b)[offset(b) + j];
        }
        os[offset(out) + i * n + j] = (float) sum;
      }
    }
  }

  @Override
  public void forwardActivated(
      Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    forward(pre, x, w, b);
    new ReferenceActivation().forward(out, pre, activation);
  }

  @Override
  public void backwardActivated(
      Tensor dpre, Tensor db, Tensor dout, Tensor pre, Activation activation, boolean accumulate) {
    new ReferenceActivation().backward(dpre, dout, pre, activation);
    sumColumns(db, dpre, accumulate);
  }

  private static void sumColumns(Tensor db, Tensor dout, boolean accumulate) {
    int n = dout.dim(-1);
    for (int j = 0; j < n && !db.isNone(); j++) {
      double column = accumulate ? floats(db)[offset(db) + j] : 0;
      for (int i = j; i < dout.size(); i += n) {
        column += floats(dout)[offset(dout) + i];
      }
      floats(db)[offset(db) + j] = (float) column;
    }
  }

  @Override
  public void backwardInput(Tensor dx, Tensor dout, Tensor w, boolean accumulate) {
    int n = w.dim(0);
    int k = w.dim(1);
    int m = (int) (dout.size() / n);
    float[] dxs = floats(dx);
    float[] douts = floats(dout);
    float[] ws = floats(w);
    double[] row = new double[k];
    for (int i = 0; i < m; i++) {
      Arrays.fill(row, 0);
      for (int j = 0; j < n; j++) {
        Rows.addScaled(row, douts[offset(dout) + i * n + j], ws, offset(w) + j * k, k);
      }
      if (accumulate) {
        Rows.add(dxs, offset(dx) + i * k, row, k);
      } else {
        Rows.store(dxs, offset(dx) + i * k, row, k);
      }
    }
  }

  @Override
  public void backwardWeight(Tensor dw, Tensor db, Tensor dout, Tensor x, boolean accumulate) {
    int n = dout.dim(-1);
    int k = x.dim(-1);
    int m = (int) (dout.size() / n);
    float[] douts = floats(dout);
    float[] xs = floats(x);
    double[] row = new double[k];
    for (int j = 0; j < n; j++) {
      Arrays.fill(row, 0);
      for (int i = 0; i < m; i++) {
        Rows.addScaled(row, douts[offset(dout) + i * n + j], xs, offset(x) + i * k, k);
      }
      if (!dw.isNone() && accumulate) {
        Rows.add(floats(dw), offset(dw) + j * k, row, k);
      } else if (!dw.isNone()) {
        Rows.store(floats(dw), offset(dw) + j * k, row, k);
      }
    }
    sumColumns(db, dout, accumulate);
  }
}

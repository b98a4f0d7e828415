package jambic.tensor.cpu;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Activation;
import jambic.tensor.Tensor;
import jambic.tensor.cpu.gemm.ColumnSums;
import jambic.tensor.cpu.gemm.Dots;
import jambic.tensor.cpu.gemm.Gemm;
import jambic.tensor.cpu.gemm.Matrix;
import jambic.tensor.cpu.simd.Workers;
import jambic.tensor.spi.ActivationKernels;
import jambic.tensor.spi.LinearKernels;

/** Linear layers as matrix products: {@link Gemm} for many rows, {@link Dots} for a few. */
final class CpuLinear implements LinearKernels {
  private static final float[] NO_BIAS = {};

  private final Gemm gemm;
  private final Dots dots;
  private final ColumnSums columnSums;
  private final ActivationKernels activations;

  /**
   * Creates the kernels.
   *
   * @param workers who computes
   * @param activations what {@link #forwardActivated} applies
   */
  CpuLinear(Workers workers, ActivationKernels activations) {
    gemm = new Gemm(workers);
    dots = new Dots(workers);
    columnSums = new ColumnSums(workers);
    this.activations = activations;
  }

  @Override
  public void forward(Tensor out, Tensor x, Tensor w, Tensor b) {
    if (x.size() / w.dim(1) <= FEW_ROWS) { // for so few, packing the weights would take longer
      decode(out, x, w, b);
    } else {
      decodeMany(out, x, w, b);
    }
  }

  @Override
  public void decode(Tensor out, Tensor x, Tensor w, Tensor b) {
    dots.multiply(
        rows(out, w.dim(0)),
        rows(x, w.dim(1)),
        rows(w, w.dim(1)),
        b.isNone() ? NO_BIAS : floats(b),
        b.isNone() ? -1 : offset(b));
  }

  @Override
  public void decodeMany(Tensor out, Tensor x, Tensor w, Tensor b) {
    Matrix outs = rows(out, w.dim(0));
    Matrix xs = rows(x, w.dim(1));
    Matrix ws = rows(w, w.dim(1)).transpose();
    if (b.isNone()) {
      gemm.multiply(outs, xs, ws, false);
    } else {
      gemm.multiply(outs, xs, ws, floats(b), offset(b));
    }
  }

  @Override
  public void forwardActivated(
      Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    forward(pre, x, w, b);
    activations.forward(out, pre, activation);
  }

  @Override
  public void backwardActivated(
      Tensor dpre, Tensor db, Tensor dout, Tensor pre, Activation activation, boolean accumulate) {
    activations.backward(dpre, dout, pre, activation);
    sumColumns(db, dpre, accumulate);
  }

  private void sumColumns(Tensor db, Tensor dout, boolean accumulate) {
    if (!db.isNone()) {
      columnSums.sum(floats(db), offset(db), rows(dout, dout.dim(-1)), accumulate);
    }
  }

  @Override
  public void backwardInput(Tensor dx, Tensor dout, Tensor w, boolean accumulate) {
    Matrix dxs = rows(dx, w.dim(1));
    Matrix douts = rows(dout, w.dim(0));
    Matrix ws = rows(w, w.dim(1));
    gemm.multiply(dxs, douts, ws, accumulate);
  }

  @Override
  public void backwardWeight(Tensor dw, Tensor db, Tensor dout, Tensor x, boolean accumulate) {
    if (!dw.isNone()) {
      Matrix douts = rows(dout, dout.dim(-1));
      Matrix dws = rows(dw, dw.dim(1));
      Matrix xs = rows(x, dw.dim(1));
      gemm.multiply(dws, douts.transpose(), xs, accumulate);
    }
    sumColumns(db, dout, accumulate);
  }

  /** A tensor of any rank as a matrix of rows. */
  private static Matrix rows(Tensor tensor, int columns) {
    return Matrix.of(floats(tensor), offset(tensor), (int) (tensor.size() / columns), columns);
  }
}

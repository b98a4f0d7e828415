package jambic.tensor.reference;

import static jambic.tensor.host.HostStorage.floats;
import static jambic.tensor.host.HostStorage.offset;

import jambic.tensor.Tensor;
import jambic.tensor.spi.NormKernels;

/** Layer normalization, a row at a time. */
final class ReferenceNorm implements NormKernels {
  @Override
  public void forward(
      Tensor out, Tensor mean, Tensor rstd, Tensor x, Tensor g, Tensor b, float eps) {
    int c = g.dim(-1);
    int rows = (int) (x.size() / c);
    float[] xs = floats(x);
    float[] gs = floats(g);
    float[] os = floats(out);
    for (int r = 0; r < rows; r++) {
      int xRow = offset(x) + r * c;
      double sum = 0;
      for (int j = 0; j < c; j++) {
        sum += xs[xRow + j];
      }
      double mu = sum / c;
      double squares = 0;
      for (int j = 0; j < c; j++) {
        squares += (xs[xRow + j] - mu) * (xs[xRow + j] - mu);
      }
      double rs = 1 / Math.sqrt(squares / c + eps);
      for (int j = 0; j < c; j++) {
        double y = (xs[xRow + j] - mu) * rs * gs[offset(g) + j];
        os[offset(out) + r * c + j] = (float) (b.isNone() ? y : y + floats(b)[offset(b) + j]);
      }
      floats(mean)[offset(mean) + r] = (float) mu;
      floats(rstd)[offset(rstd) + r] = (float) rs;
    }
  }

  /**
   * With {@code n = (x - mean) * rstd} and {@code dn = dout * g}: {@code dx = rstd * (dn - mean(dn)
   * - n * mean(dn * n))}, {@code dg += sum(dout * n)}, {@code db += sum(dout)}.
   */
  @Override
  public void backward(
      Tensor dx,
      Tensor dg,
      Tensor db,
      Tensor dout,
      Tensor x,
      Tensor g,
      Tensor mean,
      Tensor rstd,
      boolean accumulate) {
    int c = g.dim(-1);
    int rows = (int) (x.size() / c);
    float[] dxs = floats(dx);
    float[] douts = floats(dout);
    float[] xs = floats(x);
    float[] gs = floats(g);
    double[] dgSum = new double[c];
    double[] dbSum = new double[c];
    for (int r = 0; r < rows; r++) {
      double mu = floats(mean)[offset(mean) + r];
      double rs = floats(rstd)[offset(rstd) + r];
      int dRow = offset(dout) + r * c;
      int xRow = offset(x) + r * c;
      double sum = 0; // of dn
      double along = 0; // of dn * n
      for (int j = 0; j < c; j++) {
        double n = (xs[xRow + j] - mu) * rs;
        double dn = (double) douts[dRow + j] * gs[offset(g) + j];
        sum += dn;
        along += dn * n;
        dgSum[j] += douts[dRow + j] * n;
        dbSum[j] += douts[dRow + j];
      }
      for (int j = 0; j < c; j++) {
        double n = (xs[xRow + j] - mu) * rs;
        double dn = (double) douts[dRow + j] * gs[offset(g) + j];
        double d = rs * (dn - sum / c - n * along / c);
        int o = offset(dx) + r * c + j;
        dxs[o] = (float) (accumulate ? dxs[o] + d : d);
      }
    }
    if (!dg.isNone()) {
      Rows.add(floats(dg), offset(dg), dgSum, c);
    }
    if (!db.isNone()) {
      Rows.add(floats(db), offset(db), dbSum, c);
    }
  }
}

package jambic.cuda;

import jambic.tensor.Tensor;
import jambic.tensor.spi.NormKernels;

/** Layer normalization. */
final class CudaNorm implements NormKernels {
  private static final String SOURCE = "norm.cu";

  /** Threads of a block, a warp for each row. */
  private static final int THREADS = 128;

  private static final int ROWS = THREADS / 32;

  private final Gpu gpu;

  CudaNorm(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void forward(
      Tensor out, Tensor mean, Tensor rstd, Tensor x, Tensor g, Tensor b, float eps) {
    int c = x.dim(-1);
    int rows = x.shape().rows();
    gpu.kernels(SOURCE, x.dtype())
        .launch(
            "layerNorm",
            Grid.of(Math.ceilDiv(rows, ROWS), THREADS),
            out,
            mean,
            rstd,
            x,
            g,
            b,
            eps,
            rows,
            c);
  }

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
    int c = x.dim(-1);
    int rows = x.shape().rows();
    KernelModule kernels = gpu.kernels(SOURCE, x.dtype());
    if (!dg.isNone() || !db.isNone()) {
      ColumnSums sums = ColumnSums.of(rows, c);
      long partials = gpu.scratch().bytes(2 * sums.bytes());
      kernels.launch("layerNormPartials", sums.grid(), partials, dout, x, mean, rstd, rows, c);
      if (!dg.isNone()) {
        sums.add(gpu, dg, partials);
      }
      if (!db.isNone()) {
        sums.add(gpu, db, partials + sums.bytes());
      }
    }
    kernels.launch(
        "layerNormBackward",
        Grid.of(Math.ceilDiv(rows, ROWS), THREADS),
        dx,
        dout,
        x,
        g,
        mean,
        rstd,
        rows,
        c,
        accumulate ? 1 : 0);
  }
}

package jambic.cuda;

import jambic.tensor.Tensor;
import jambic.tensor.spi.NormKernels;

/** Layer normalization. */
final class CudaNorm implements NormKernels {
  private static final String SOURCE = "norm.cu";

  /** Threads of a block forward, a warp for each row. */
  private static final int THREADS = 128;

  private static final int ROWS = THREADS / 32;

  /** Blocks backward, which keep their sums while they go from row to row. */
  private static final int BLOCKS = 256;

  private final Gpu gpu;

  CudaNorm(Gpu gpu) {
    this.gpu = gpu;
  }

  @Override
  public void forward(
      Tensor out, Tensor mean, Tensor rstd, Tensor x, Tensor g, Tensor b, float eps) {
    int c = x.dim(-1);
    int rows = x.shape().rows();
    kernels(x)
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
    boolean summing = !dg.isNone() || !db.isNone();
    int blocks = Math.min(BLOCKS, Math.ceilDiv(rows, ColumnSums.THREADS / 32));
    ColumnSums sums = new ColumnSums(c, blocks);
    long partials = summing ? gpu.scratch().bytes(2 * sums.bytes()) : 0;
    kernels(x)
        .launch(
            "layerNormBackward",
            Grid.of(blocks, ColumnSums.THREADS),
            dx,
            partials,
            dout,
            x,
            g,
            mean,
            rstd,
            rows,
            c,
            accumulate ? 1 : 0);
    if (summing) {
      sums.sum(gpu, partials, dg, db, true);
    }
  }

  /** Compiled for rows of this width. */
  private KernelModule kernels(Tensor x) {
    return gpu.kernels(SOURCE, x.dtype(), "GROUPS=" + ColumnSums.groups(x));
  }
}

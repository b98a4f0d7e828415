package jambic.cuda;

import jambic.tensor.Activation;
import jambic.tensor.DType;
import jambic.tensor.Tensor;

/**
 * How the columns of a matrix are summed, the same on every run: stretches of rows side by side,
 * then the stretches in a fixed order.
 *
 * @param columns the columns
 * @param stretches how many partial sums a column has
 */
record ColumnSums(int columns, int stretches) {
  /** Threads of a block that sums columns, as in {@code columns.cuh}. */
  static final int THREADS = 256;

  /** Blocks that keep a device's memory busy. */
  private static final int BLOCKS = 512;

  /** Rows of a stretch at least: what a block reads at once. */
  private static final int ROWS = 32;

  /** Columns and threads of a block of {@code addPartials}. */
  private static final int ADDED = 32;

  private static final int ADDING = 1024;

  /** Groups of columns that a row has, as in {@code columns.cuh}: 32 lanes read 16 bytes each. */
  static int groups(Tensor x) {
    return Math.ceilDiv(x.dim(-1) * x.dtype().bytes(), 32 * 16);
  }

  /** The sum of all rows of a matrix, written to a row or added to it. */
  static void sumAll(Gpu gpu, Tensor row, Tensor x, boolean accumulate) {
    ColumnSums sums = of(x);
    long partials = gpu.scratch().bytes(sums.bytes());
    gpu.kernels("columns.cu", x.dtype())
        .launch(
            "columnPartials",
            sums.grid(x),
            partials,
            x,
            x.shape().rows(),
            sums.columns,
            x.rowStride());
    sums.sum(gpu, partials, row, Tensor.NONE, accumulate);
  }

  /** The same of a nonlinearity's gradient, when that is written. */
  static void sumSlopes(
      Gpu gpu,
      Tensor row,
      Tensor dx,
      Tensor dout,
      Tensor x,
      Activation activation,
      boolean accumulate) {
    ColumnSums sums = of(x);
    long partials = gpu.scratch().bytes(sums.bytes());
    gpu.kernels(CudaActivation.SOURCE, x.dtype())
        .launch(
            CudaActivation.kernel(activation) + "BackwardSums",
            sums.grid(x),
            partials,
            dx,
            dout,
            x,
            x.shape().rows(),
            sums.columns);
    sums.sum(gpu, partials, row, Tensor.NONE, accumulate);
  }

  private static ColumnSums of(Tensor x) {
    int most = Math.ceilDiv(x.shape().rows(), ROWS);
    return new ColumnSums(x.dim(-1), Math.min(Math.ceilDiv(BLOCKS, groups(x)), most));
  }

  /** A block for each group of columns and stretch of rows. */
  private Grid grid(Tensor x) {
    return Grid.of(groups(x), THREADS).planes(stretches, 1);
  }

  /** What the partial sums of one row take. */
  long bytes() {
    return (long) Float.BYTES * stretches * columns;
  }

  /**
   * Sums partial sums, all of the first row before those of the second, into the rows that are
   * there, or adds them to these.
   */
  void sum(Gpu gpu, long partials, Tensor first, Tensor second, boolean accumulate) {
    gpu.kernels("columns.cu", DType.F32)
        .launch(
            "addPartials",
            Grid.of(Math.ceilDiv(columns, ADDED), ADDING).planes(second.isNone() ? 1 : 2, 1),
            first,
            second,
            partials,
            stretches,
            columns,
            accumulate ? 1 : 0);
  }
}

package jambic.cuda;

import jambic.tensor.DType;
import jambic.tensor.Tensor;

/**
 * How the columns of a matrix are summed, the same on every run: stretches of rows side by side,
 * then the stretches in order.
 *
 * @param columns the columns
 * @param stretches how many partial sums a column has
 */
record ColumnSums(int columns, int stretches) {
  /** Rows of a stretch: enough blocks for a device, few enough sums to add up. */
  private static final int ROWS = 128;

  /** Columns and threads of a block, as in {@code columns.cuh}. */
  private static final int COLUMNS = 64;

  private static final int THREADS = 256;

  static ColumnSums of(int rows, int columns) {
    return new ColumnSums(columns, Math.ceilDiv(rows, ROWS));
  }

  /** Adds the sum of all rows of a matrix to a row. */
  static void addAll(Gpu gpu, Tensor row, Tensor x) {
    int rows = x.shape().rows();
    ColumnSums sums = of(rows, x.dim(-1));
    long partials = gpu.scratch().bytes(sums.bytes());
    gpu.kernels("columns.cu", x.dtype())
        .launch("columnPartials", sums.grid(), partials, x, rows, sums.columns);
    sums.add(gpu, row, partials);
  }

  /** The blocks that write partial sums. */
  Grid grid() {
    return Grid.of(Math.ceilDiv(columns, COLUMNS), THREADS).planes(stretches, 1);
  }

  /** What the partial sums take. */
  long bytes() {
    return (long) Float.BYTES * stretches * columns;
  }

  /** Adds partial sums to a row. */
  void add(Gpu gpu, Tensor row, long partials) {
    gpu.kernels("columns.cu", DType.F32)
        .launch("addPartials", Grid.over(columns, THREADS), row, partials, stretches, columns);
  }
}

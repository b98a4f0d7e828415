package jambic.tensor.cpu;

import jambic.bench.Workbench;
import jambic.tensor.cpu.gemm.Panels;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What a matrix product spends on packing: a matrix that lies in no second-level cache, piece by
 * piece into panels for the tile. Run with as many JMH threads as the product has.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class PackBenchmark {
  private static final int PIECE = 128;

  /** Rows and columns as the matrix is stored. */
  @Param({"3072x768", "768x3072"})
  public String shape;

  /** What a panel takes side by side: elements of as many rows, or neighbours of a row. */
  @Param({"rows", "columns"})
  public String form;

  private final int width = 2 * Lanes.F.length();
  private int rows;
  private int columns;
  private float[] matrix;
  private float[] packed;

  /** Lays out the matrix. */
  @Setup
  public void open() {
    int[] extents = Workbench.extents(shape);
    rows = extents[0];
    columns = extents[1];
    matrix = new float[Workers.ALIGN + rows * columns];
    packed = new float[Workers.ALIGN + PIECE * Math.max(rows, columns)];
  }

  /** The bytes of a matrix. */
  public static long bytes(String shape) {
    int[] extents = Workbench.extents(shape);
    return (long) Float.BYTES * extents[0] * extents[1];
  }

  /** All of it. */
  @Benchmark
  public void run() {
    if (form.equals("rows")) {
      for (int i = 0; i < rows; i += width) {
        int to = Workers.ALIGN + i % PIECE * columns;
        Panels.interleave(
            columns, matrix, Workers.ALIGN + i * columns, columns, width, packed, to, width);
      }
    } else {
      for (int j = 0; j < columns; j += PIECE) {
        Panels.copy(rows, matrix, Workers.ALIGN + j, columns, PIECE, packed, Workers.ALIGN, width);
      }
    }
  }
}

package jambic.tensor.cpu;

import jambic.bench.Workbench;
import jambic.tensor.cpu.gemm.Tile;
import jambic.tensor.cpu.simd.Lanes;
import jambic.tensor.cpu.simd.Workers;
import java.util.Arrays;
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
 * What a matrix product would reach without packing: the tile alone, on panels that lie in the
 * second-level cache, as a piece of a product does. Run with as many JMH threads as the product
 * has.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class TileBenchmark {
  private static final int FLOATS = 1 << 24; // more than a cache that the result should not be in

  /** Rows of a, columns of b, steps: whole tiles of every kind. */
  @Param({"120x128x384", "120x128x768"})
  public String shape;

  /** Where the result lies: in the cache, or where nobody has been for long. */
  @Param({"cached", "cold"})
  public String form;

  private final Tile tile = Tile.forProducts();
  private final int width = 2 * Lanes.F.length();
  private final float[] init = new float[width];
  private int rows;
  private int columns;
  private int steps;
  private float[] a;
  private float[] b;
  private float[] c;
  private int block;

  /** Fills the panels. */
  @Setup
  public void open() {
    int[] extents = Workbench.extents(shape);
    rows = extents[0];
    columns = extents[1];
    steps = extents[2];
    a = panels(rows);
    b = panels(columns);
    c = new float[Workers.ALIGN + (form.equals("cold") ? FLOATS : rows * columns)];
  }

  private float[] panels(int count) {
    float[] panels = new float[Workers.ALIGN + count * steps];
    Arrays.fill(panels, 1e-3f);
    return panels;
  }

  /**
   * A piece of a product, tile by tile.
   *
   * @return its first element
   */
  @Benchmark
  public float run() {
    int blocks = (c.length - Workers.ALIGN) / (rows * columns);
    int to = Workers.ALIGN + block * rows * columns;
    block = block + 1 == blocks ? 0 : block + 1;
    for (int i = 0; i < rows; i += tile.rows()) {
      for (int j = 0; j < columns; j += width) {
        tile.packed2(
            steps,
            a,
            Workers.ALIGN + i * steps,
            tile.rows(),
            b,
            Workers.ALIGN + j * steps,
            c,
            to + i * columns + j,
            columns,
            false,
            init,
            0);
      }
    }
    return c[to];
  }
}

package jambic.tensor.cpu.attention;

import jambic.tensor.Tensor;
import jambic.tensor.host.HostStorage;

/**
 * Rows in pages: position t of batch element b is row {@code t % size} of the page that the table
 * names.
 *
 * @param array the elements of all pages
 * @param start the index of the first element of page 0
 * @param stride from row to row of a page
 * @param size rows of a page
 * @param table the pages of each batch element
 * @param first where the pages of batch element 0 start in the table
 * @param width how many pages of a batch element the table has
 */
public record PageRows(
    float[] array, int start, int stride, int size, int[] table, int first, int width)
    implements KeyRows {

  public static PageRows of(Tensor pool, Tensor pages) {
    return new PageRows(
        HostStorage.floats(pool),
        HostStorage.offset(pool),
        pool.rowStride(),
        pool.dim(1),
        HostStorage.ints(pages),
        HostStorage.offset(pages),
        pages.dim(1));
  }

  /** The same from batch element {@code b} on. */
  public PageRows from(int b) {
    return new PageRows(array, start, stride, size, table, first + b * width, width);
  }

  @Override
  public int at(int b, int t, int column) {
    int page = table[first + b * width + t / size];
    return start + (page * size + t % size) * stride + column;
  }

  @Override
  public int run(int t) {
    return size - t % size;
  }

  @Override
  public boolean readable(int b, int t, int column, int rows, int columns) {
    return rows <= run(t)
        && at(b, t, column) + (long) (rows - 1) * stride + columns <= array.length;
  }

  @Override
  public void copy(float[] to, int at, int ldt, int b, int t, int column, int rows, int columns) {
    for (int i = 0, n; i < rows; i += n) {
      n = Math.min(rows - i, run(t + i));
      AttentionRows.copy(to, at + i * ldt, ldt, array, at(b, t + i, column), stride, n, columns);
    }
  }

  /** Overwrites whole rows of batch element {@code b} from row {@code t} on. */
  public void put(float[] from, int f, int ldf, int b, int t, int rows, int columns) {
    for (int i = 0, n; i < rows; i += n) {
      n = Math.min(rows - i, run(t + i));
      AttentionRows.copy(array, at(b, t + i, 0), stride, from, f + i * ldf, ldf, n, columns);
    }
  }
}

package jambic.tensor.cpu.attention;

import jambic.tensor.Tensor;
import jambic.tensor.host.HostStorage;
import java.util.Arrays;

/**
 * The rows of a (B, T, C) tensor in its Java array.
 *
 * @param array the elements
 * @param start the index of the first element
 * @param stride from row to row
 * @param count T: how many rows a batch element has
 */
public record HeadRows(float[] array, int start, int stride, int count) implements KeyRows {

  public static HeadRows of(Tensor tensor) {
    return new HeadRows(
        HostStorage.floats(tensor), HostStorage.offset(tensor), tensor.rowStride(), tensor.dim(1));
  }

  @Override
  public int at(int b, int t, int column) {
    return start + (b * count + t) * stride + column;
  }

  @Override
  public int run(int t) {
    return count - t;
  }

  /** All that matters is the end of the array. */
  @Override
  public boolean readable(int b, int t, int column, int rows, int columns) {
    return at(b, t, column) + (long) (rows - 1) * stride + columns <= array.length;
  }

  @Override
  public void copy(float[] to, int at, int ldt, int b, int t, int column, int rows, int columns) {
    AttentionRows.copy(to, at, ldt, array, at(b, t, column), stride, rows, columns);
  }

  /** Overwrites part of some rows, or with {@code add} adds to it. */
  void put(
      float[] from, int f, int ldf, int b, int t, int column, int rows, int columns, boolean add) {
    if (add) {
      AttentionRows.add(array, at(b, t, column), stride, from, f, ldf, rows, columns);
    } else {
      AttentionRows.copy(array, at(b, t, column), stride, from, f, ldf, rows, columns);
    }
  }

  /** Sets part of some rows to 0. */
  void clear(int b, int t, int column, int rows, int columns) {
    for (int i = t; i < t + rows; i++) {
      Arrays.fill(array, at(b, i, column), at(b, i, column) + columns, 0);
    }
  }
}

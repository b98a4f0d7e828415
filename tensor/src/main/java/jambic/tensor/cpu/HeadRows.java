package jambic.tensor.cpu;

import jambic.tensor.Tensor;
import jambic.tensor.host.HostStorage;

/**
 * The rows of a (B, T, C) tensor in its Java array.
 *
 * @param array the elements
 * @param start the index of the first element
 * @param stride from row to row
 * @param count T: how many rows a batch element has
 */
record HeadRows(float[] array, int start, int stride, int count) {

  static HeadRows of(Tensor tensor) {
    return new HeadRows(
        HostStorage.floats(tensor), HostStorage.offset(tensor), tensor.rowStride(), tensor.dim(1));
  }

  /** The index of column {@code column} of row {@code t} of batch element {@code b}. */
  int at(int b, int t, int column) {
    return start + (b * count + t) * stride + column;
  }

  /**
   * Whether {@code rows} rows from row {@code t} on can be read {@code columns} wide from column
   * {@code column}, be they of this head or what lies around it: all that matters is the end of the
   * array.
   */
  boolean readable(int b, int t, int column, int rows, int columns) {
    return at(b, t, column) + (long) (rows - 1) * stride + columns <= array.length;
  }
}

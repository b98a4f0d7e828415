package jambic.tensor.cpu.gemm;

/**
 * A matrix in an array: element {@code (i, j)} lies at {@code offset + i * stride + j}, or, when
 * transposed, at {@code offset + j * stride + i}.
 *
 * @param data holds the elements
 * @param offset where the first one lies
 * @param rows how many rows the matrix has as it is used
 * @param columns how many columns the matrix has as it is used
 * @param stride from one stored row to the next
 * @param transposed whether a stored row is a column of the matrix
 */
public record Matrix(
    float[] data, int offset, int rows, int columns, int stride, boolean transposed) {

  /** A matrix whose rows lie one behind the other. */
  public static Matrix of(float[] data, int offset, int rows, int columns) {
    return new Matrix(data, offset, rows, columns, columns, false);
  }

  /** The same elements seen as {@code (columns, rows)}. */
  public Matrix transpose() {
    return new Matrix(data, offset, columns, rows, stride, !transposed);
  }

  /** The index of element {@code (i, j)}. */
  public int at(int i, int j) {
    return transposed ? offset + j * stride + i : offset + i * stride + j;
  }
}

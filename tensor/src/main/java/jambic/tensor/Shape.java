package jambic.tensor;

import jambic.tensor.text.Text;
import java.util.Arrays;

/** The extents of a tensor, outermost first; immutable. A scalar is {@code (1)}. */
public final class Shape {
  private final int[] dims;
  private final long size;

  private Shape(int[] dims) {
    this.dims = dims;
    if (dims.length == 0) {
      throw new ShapeException("a shape has an extent at least; that of a scalar is (1)");
    }
    for (int d : dims) {
      if (d < 0) {
        throw new ShapeException("a shape has no negative extent, got " + Arrays.toString(dims));
      }
    }
    this.size = product(dims);
  }

  private static long product(int[] dims) {
    try {
      long product = 1;
      for (int d : dims) {
        product = Math.multiplyExact(product, (long) d);
      }
      return product;
    } catch (ArithmeticException overflow) {
      throw new ShapeException(
          "a shape has at most 2^63 - 1 elements, got " + Arrays.toString(dims));
    }
  }

  /**
   * A shape with the given extents.
   *
   * @param dims extents, outermost first, none negative
   * @return the shape
   * @throws ShapeException if there is no extent, one is negative, or their product is not below
   *     2^63
   */
  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /**
   * The number of dimensions.
   *
   * @return how many extents there are
   */
  public int rank() {
    return dims.length;
  }

  /**
   * One extent.
   *
   * @param i the dimension; a negative index counts from the innermost, -1
   * @return its extent
   * @throws ShapeException if there is no such dimension
   */
  public int dim(int i) {
    int at = i < 0 ? dims.length + i : i;
    if (at < 0 || at >= dims.length) {
      throw new ShapeException(Text.format("%s has no dimension %d", this, i));
    }
    return dims[at];
  }

  /**
   * The number of elements.
   *
   * @return the product of the extents
   */
  public long size() {
    return size;
  }

  /**
   * The rows of the shape seen as a matrix: the product of all extents but the innermost.
   *
   * @return the number of rows
   * @throws ShapeException if that is not below 2^31
   */
  public int rows() {
    int last = dim(-1);
    long rows = last == 0 ? 0 : size / last;
    if (rows > Integer.MAX_VALUE) {
      throw new ShapeException(Text.format("%s has more than 2^31 - 1 rows", this));
    }
    return (int) rows;
  }

  /**
   * The same shape with another innermost extent.
   *
   * @param n the new innermost extent
   * @return the new shape
   */
  public Shape withLast(int n) {
    int[] next = dims.clone();
    next[next.length - 1] = n;
    return new Shape(next);
  }

  /**
   * The extents as a fresh array.
   *
   * @return a copy of the extents, outermost first
   */
  public int[] toArray() {
    return dims.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** The extents in parentheses, as in {@code (64, 256, 384)}. */
  @Override
  public String toString() {
    String text = Arrays.toString(dims);
    return "(" + text.substring(1, text.length() - 1) + ")";
  }
}

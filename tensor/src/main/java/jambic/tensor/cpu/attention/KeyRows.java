package jambic.tensor.cpu.attention;

/** The keys or values of every position of every sequence, by sequence, position and column. */
sealed interface KeyRows permits HeadRows, PageRows {
  /** What they lie in. */
  float[] array();

  /** From row to row, as far as they lie one behind the other. */
  int stride();

  /** The index of column {@code column} of row {@code t} of batch element {@code b}. */
  int at(int b, int t, int column);

  /** How many rows lie one behind the other from row {@code t} on, be they in use or not. */
  int run(int t);

  /**
   * Whether {@code rows} rows from row {@code t} on can be read in one go, {@code columns} wide
   * from column {@code column}, be they of this head or what lies around it.
   */
  boolean readable(int b, int t, int column, int rows, int columns);

  /** Copies part of some rows, {@code columns} wide from column {@code column}. */
  void copy(float[] to, int at, int ldt, int b, int t, int column, int rows, int columns);
}

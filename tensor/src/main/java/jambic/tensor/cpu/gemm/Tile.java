package jambic.tensor.cpu.gemm;

import jambic.tensor.cpu.simd.Lanes;

/**
 * A register tile: the inner kernel of the matrix product. A call computes {@link #rows()} rows by
 * two vectors (or one, for the right edge) of {@code c} over {@code k} steps, with every
 * accumulator a named local, because C2 keeps neither arrays of vectors nor vectors that cross a
 * method boundary in registers.
 *
 * <p>All forms read {@code b} by steps: step {@code p} is the vectors at {@code b[bi + p * bStep]},
 * be it a packed panel or a plain row-major matrix. They differ in how they read {@code a}: the
 * {@code steps} forms take the rows of one step as neighbours at {@code a[ai + p * aStep]} (a
 * packed panel, or a plain matrix read transposed), the {@code rows} forms take row {@code i} at
 * {@code a[ai + i * lda + p]} (a plain matrix).
 *
 * <p>Every element starts from {@code init} (a bias or zeros, one per column, from {@code ii}) and
 * takes one fused multiply-add per step in rising order, so all forms give the same bits. It is
 * stored to, or with {@code add} added to, {@code c[ci + i * ldc + j]}.
 */
public sealed interface Tile permits Tile4x2, Tile5x2, Tile8x2 {

  /** The tile of matrix products for this machine's registers. */
  static Tile forProducts() {
    return Lanes.MANY_REGISTERS ? new Tile8x2() : new Tile5x2();
  }

  /** The tile of attention, whose blocks are cut in powers of two. */
  static Tile forAttention() {
    return Lanes.MANY_REGISTERS ? new Tile8x2() : new Tile4x2();
  }

  int rows();

  /** {@link #steps2} of a packed {@code b}, where nearly all of a large product is done. */
  default void packed2(
      int k,
      float[] a,
      int ai,
      int aStep,
      float[] b,
      int bi,
      float[] c,
      int ci,
      int ldc,
      boolean add,
      float[] init,
      int ii) {
    steps2(k, a, ai, aStep, b, bi, 2 * Lanes.F.length(), c, ci, ldc, add, init, ii);
  }

  void steps2(
      int k,
      float[] a,
      int ai,
      int aStep,
      float[] b,
      int bi,
      int bStep,
      float[] c,
      int ci,
      int ldc,
      boolean add,
      float[] init,
      int ii);

  void rows2(
      int k,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bi,
      int bStep,
      float[] c,
      int ci,
      int ldc,
      boolean add,
      float[] init,
      int ii);

  void steps1(
      int k,
      float[] a,
      int ai,
      int aStep,
      float[] b,
      int bi,
      int bStep,
      float[] c,
      int ci,
      int ldc,
      boolean add,
      float[] init,
      int ii);

  void rows1(
      int k,
      float[] a,
      int ai,
      int lda,
      float[] b,
      int bi,
      int bStep,
      float[] c,
      int ci,
      int ldc,
      boolean add,
      float[] init,
      int ii);
}

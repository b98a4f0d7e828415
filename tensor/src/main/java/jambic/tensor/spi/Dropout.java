package jambic.tensor.spi;

import jambic.tensor.Tensor;

/**
 * One place where a model drops activations. Stateless: the mask is a pure function of the seed,
 * the place, the step and the element, so the backward pass computes it again and every backend
 * draws the same bits.
 *
 * <p>Element {@code e} takes word {@code (e % 64) / 16} of the Philox4x32-10 block whose key is
 * {@code seed} and whose counter is {@code (n, n >>> 32, step, site)} with {@code n = e / 64 * 16 +
 * e % 16}. It is kept when {@code word >>> 8 >= round(p * 2^24)} and then scaled by {@code 1 / (1 -
 * p)}. Sixteen neighbours share a word index, so vector lanes (and the columns of a tensor-core
 * fragment) use all four words of each block without a shuffle.
 *
 * @param p the probability to drop an element, in [0, 1); 0 means none of this happens
 * @param seed the key
 * @param site which dropout of the model this is
 * @param step I32 (1): read at launch, so a recorded step draws afresh when its content changes
 */
public record Dropout(float p, long seed, int site, Tensor step) {
  /** No dropout. */
  public static final Dropout NONE = new Dropout(0, 0, 0, Tensor.NONE);

  /**
   * Whether nothing is dropped.
   *
   * @return true when p is 0
   */
  public boolean isNone() {
    return p == 0;
  }

  /**
   * What a word's upper 24 bits must reach for its element to be kept.
   *
   * @return {@code round(p * 2^24)}
   */
  public int threshold() {
    return Math.round(p * 0x1p24f);
  }

  /**
   * The factor of kept elements.
   *
   * @return {@code 1 / (1 - p)}
   */
  public float scale() {
    return 1 / (1 - p);
  }

  /**
   * Where a row of an (rows, columns) matrix of attention weights starts in element numbers: rows
   * are padded to whole groups of 64.
   *
   * @param row the row, {@code (batch * heads + head) * queries + query}
   * @param columns the number of keys
   * @return the element number of the row's first key
   */
  public static long rowStart(long row, int columns) {
    return row * ((columns + 63) / 64 * 64L);
  }
}

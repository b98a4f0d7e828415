package jambic.tensor.cpu;

/**
 * The sum of the lanes of a vector, in an order that is the same in interpreted and in compiled
 * code. {@code reduceLanes(ADD)} leaves the order open, and the compiler's differs from the
 * interpreter's: a result would change its last bits when its loop becomes hot.
 */
final class LaneSum {
  /** How many floats a vector leaves for {@link #of}. */
  static final int LENGTH = Lanes.F.length();

  private LaneSum() {}

  /**
   * Sums a vector that was stored to memory.
   *
   * @param lanes holds the vector
   * @param at where it starts
   * @return the sum
   */
  static float of(float[] lanes, int at) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    for (int i = at; i < at + LENGTH; i += 4) {
      a += lanes[i];
      b += lanes[i + 1];
      c += lanes[i + 2];
      d += lanes[i + 3];
    }
    return (a + b) + (c + d);
  }
}

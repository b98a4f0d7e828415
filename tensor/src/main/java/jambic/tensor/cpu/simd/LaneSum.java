package jambic.tensor.cpu.simd;

/**
 * The sum of the lanes of a vector, in an order that is the same in interpreted and in compiled
 * code. {@code reduceLanes(ADD)} leaves the order open, and the compiler's differs from the
 * interpreter's: a result would change its last bits when its loop becomes hot.
 */
public final class LaneSum {
  /** How many floats a vector leaves for {@link #of}. */
  public static final int LENGTH = Lanes.F.length();

  private LaneSum() {}

  /**
   * Sums a vector that was stored to memory.
   *
   * @param lanes holds the vector
   * @param at where it starts
   * @return the sum
   */
  public static float of(float[] lanes, int at) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    for (int i = at; i < at + LENGTH; i += 4) {
      s0 += lanes[i];
      s1 += lanes[i + 1];
      s2 += lanes[i + 2];
      s3 += lanes[i + 3];
    }
    return (s0 + s1) + (s2 + s3);
  }
}

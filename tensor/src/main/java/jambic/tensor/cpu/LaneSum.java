package jambic.tensor.cpu;

import jdk.incubator.vector.FloatVector;

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
    FloatVector sum = FloatVector.zero(FloatVector.SPECIES_128);
    for (int i = 0; i < LENGTH; i += 4) {
      sum = sum.add(FloatVector.fromArray(FloatVector.SPECIES_128, lanes, at + i));
    }
    return (sum.lane(0) + sum.lane(1)) + (sum.lane(2) + sum.lane(3));
  }
}

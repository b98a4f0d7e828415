package jambic.tensor.cpu;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import jambic.tensor.host.HostStorage;
import jambic.tensor.spi.Dropout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The factors by which a {@link Dropout} multiplies its elements: 0, or {@code 1 / (1 - p)}. One
 * launch of a kernel makes one mask, which any thread may read; the numbers are those of the
 * definition, bit for bit, whatever the lane width.
 *
 * <p>The ten rounds of Philox cost about 3 vector operations a factor with 16 lanes; what limits
 * them is the 64-bit multiply, of which a round has two for 8 counters (32 factors).
 */
final class DropoutMask {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final VectorSpecies<Integer> I = F.withLanes(int.class);
  private static final VectorSpecies<Long> J = F.withLanes(long.class);
  private static final int L = F.length();

  /** Elements that share 16 counters, four words each. */
  static final int GROUP = 64;

  private static final int BLOCKS = 16;
  private static final int ROUNDS = 10;

  private static final long LOW = 0xFFFFFFFFL;
  private static final long M0 = 0xD2511F53L;
  private static final long M1 = 0xCD9E8D57L;
  private static final long W0 = 0x9E3779B9L;
  private static final long W1 = 0xBB67AE85L;

  /** 0, 2, 4, ...: a long lane holds two counters, the even one's words end up in its low half. */
  private static final LongVector EVEN = LongVector.zero(J).addIndex(2);

  /** Drops nothing. */
  static final DropoutMask NONE = new DropoutMask(Dropout.NONE);

  private final long key0;
  private final long key1;
  private final long step;
  private final long site;
  private final int threshold;
  private final float scale;
  private final boolean none;

  /**
   * The mask of one launch.
   *
   * @param dropout what to draw; its step is read here
   */
  DropoutMask(Dropout dropout) {
    key0 = dropout.seed() & LOW;
    key1 = dropout.seed() >>> 32;
    step =
        dropout.isNone()
            ? 0
            : HostStorage.ints(dropout.step())[HostStorage.offset(dropout.step())] & LOW;
    site = dropout.site() & LOW;
    threshold = dropout.threshold();
    scale = dropout.scale();
    none = dropout.isNone();
  }

  /** Whether nothing is dropped, so that there is no need to multiply. */
  boolean isNone() {
    return none;
  }

  /**
   * Writes the factors of all groups that a run of elements touches: whole groups have no edges to
   * treat, and a run that starts at a multiple of {@link #GROUP} wastes nothing.
   *
   * @param out receives the factors; up to {@code n + 2 * (GROUP - 1)} of them
   * @param at where in {@code out} the first group starts
   * @param element the number of the run's first element
   * @param n how many elements the run has
   * @return where in {@code out} the factor of the first element is; the others follow it
   */
  int fill(float[] out, int at, long element, int n) {
    int skip = (int) (element % GROUP);
    long counter = (element - skip) / GROUP * BLOCKS;
    int groups = (skip + n + GROUP - 1) / GROUP;
    for (int g = 0; g < groups; g++) {
      for (int i = 0; i < BLOCKS; i += L) {
        blocks(out, at + g * GROUP + i, BLOCKS, counter + g * BLOCKS + i, 1);
      }
    }
    return at + skip;
  }

  /**
   * Writes the factors of one group of every row of a matrix, transposed: those of element j of the
   * group to {@code out[at + j * ld]} and on, one for each row.
   *
   * @param out receives {@link #GROUP} rows, each as long as {@code rows} rounded up to the lanes
   * @param at where in {@code out} the first of them starts
   * @param ld from row to row of {@code out}
   * @param element the number of the first element, a multiple of {@link #GROUP}
   * @param distance from row to row in element numbers, a multiple of {@link #GROUP}
   * @param rows how many rows
   * @param n how many elements of each are wanted; others may be left unwritten
   */
  void fillTransposed(float[] out, int at, int ld, long element, long distance, int rows, int n) {
    long counters = distance / GROUP * BLOCKS;
    for (int i = 0; i < rows; i += L) {
      long counter = element / GROUP * BLOCKS + i * counters;
      for (int j = 0; j < Math.min(n, BLOCKS); j++) {
        blocks(out, at + j * ld + i, BLOCKS * ld, counter + j, counters);
      }
    }
  }

  /**
   * Writes the factors of {@code L} counters.
   *
   * @param at where in {@code out} those of word 0 go
   * @param next from each word's to the next word's
   * @param counter the first counter
   * @param distance from each to the next
   */
  private void blocks(float[] out, int at, int next, long counter, long distance) {
    // Each word is 32 bits in a 64-bit lane. The upper bits of a word may hold anything until the
    // word is multiplied: the mask before each multiply is also what makes C2 choose the 32-bit
    // multiply. The a words are of the even counters, the b words of the odd.
    LongVector a0 = EVEN.mul(distance).add(counter);
    LongVector b0 = a0.add(distance);
    LongVector a1 = a0.lanewise(LSHR, 32);
    LongVector b1 = b0.lanewise(LSHR, 32);
    LongVector a2 = LongVector.broadcast(J, step);
    LongVector b2 = a2;
    LongVector a3 = LongVector.broadcast(J, site);
    LongVector b3 = a3;
    long k0 = key0;
    long k1 = key1;
    for (int round = 0; round < ROUNDS; round++) {
      LongVector p0 = a0.and(LOW).mul(M0);
      LongVector p1 = a2.and(LOW).mul(M1);
      LongVector q0 = b0.and(LOW).mul(M0);
      LongVector q1 = b2.and(LOW).mul(M1);
      a0 = p1.lanewise(LSHR, 32).lanewise(XOR, a1).lanewise(XOR, k0);
      b0 = q1.lanewise(LSHR, 32).lanewise(XOR, b1).lanewise(XOR, k0);
      a1 = p1;
      b1 = q1;
      a2 = p0.lanewise(LSHR, 32).lanewise(XOR, a3).lanewise(XOR, k1);
      b2 = q0.lanewise(LSHR, 32).lanewise(XOR, b3).lanewise(XOR, k1);
      a3 = p0;
      b3 = q0;
      k0 += W0;
      k1 += W1;
    }
    FloatVector kept = FloatVector.broadcast(F, scale);
    FloatVector dropped = FloatVector.zero(F);
    IntVector w0 = a0.and(LOW).or(b0.lanewise(LSHL, 32)).reinterpretAsInts();
    IntVector w1 = a1.and(LOW).or(b1.lanewise(LSHL, 32)).reinterpretAsInts();
    IntVector w2 = a2.and(LOW).or(b2.lanewise(LSHL, 32)).reinterpretAsInts();
    IntVector w3 = a3.and(LOW).or(b3.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> m0 = w0.lanewise(LSHR, 8).compare(GE, threshold);
    VectorMask<Integer> m1 = w1.lanewise(LSHR, 8).compare(GE, threshold);
    VectorMask<Integer> m2 = w2.lanewise(LSHR, 8).compare(GE, threshold);
    VectorMask<Integer> m3 = w3.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, m0.cast(F)).intoArray(out, at);
    dropped.blend(kept, m1.cast(F)).intoArray(out, at + next);
    dropped.blend(kept, m2.cast(F)).intoArray(out, at + 2 * next);
    dropped.blend(kept, m3.cast(F)).intoArray(out, at + 3 * next);
  }
}

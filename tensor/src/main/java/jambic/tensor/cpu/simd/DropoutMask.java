package jambic.tensor.cpu.simd;

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
 * <p>Limited by arithmetic: with 16 lanes the ten rounds of Philox are about 3 vector operations a
 * factor, which take about a cycle.
 */
public final class DropoutMask {
  private static final VectorSpecies<Float> F = Lanes.F;
  private static final VectorSpecies<Integer> I = F.withLanes(int.class);
  private static final VectorSpecies<Long> J = F.withLanes(long.class);
  private static final int L = F.length();

  /** Elements that share 16 counters, four words each. */
  public static final int GROUP = 64;

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
  public static final DropoutMask NONE = new DropoutMask(Dropout.NONE);

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
  public DropoutMask(Dropout dropout) {
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
  public boolean isNone() {
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
  public int fill(float[] out, int at, long element, int n) {
    int skip = (int) (element % GROUP);
    long counter = (element - skip) / GROUP * BLOCKS;
    int groups = (skip + n + GROUP - 1) / GROUP;
    int units = groups * BLOCKS / L;
    for (int u = 0; u < units; u += 2) {
      int v = Math.min(u + 1, units - 1);
      blocks(out, place(at, u), BLOCKS, counter + u * L, 1, place(at, v), counter + v * L);
    }
    return at + skip;
  }

  /** Where the factors of the counters from {@code u * L} on start. */
  private static int place(int at, int u) {
    return at + u * L / BLOCKS * GROUP + u * L % BLOCKS;
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
  public void fillTransposed(
      float[] out, int at, int ld, long element, long distance, int rows, int n) {
    long counters = distance / GROUP * BLOCKS;
    for (int i = 0; i < rows; i += L) {
      long counter = element / GROUP * BLOCKS + i * counters;
      for (int j = 0; j < Math.min(n, BLOCKS); j += 2) {
        int first = at + j * ld + i;
        blocks(out, first, BLOCKS * ld, counter + j, counters, first + ld, counter + j + 1);
      }
    }
  }

  /**
   * Writes the factors of {@code L} counters and of {@code L} others. Two, because the rounds of
   * one would wait for each other's results.
   *
   * @param at where in {@code out} those of word 0 go
   * @param next from each word's to the next word's
   * @param counter the first counter
   * @param distance from each to the next
   * @param at2 as {@code at}, of the others
   * @param counter2 as {@code counter}, of the others
   */
  private void blocks(
      float[] out, int at, int next, long counter, long distance, int at2, long counter2) {
    // Each word is 32 bits in a 64-bit lane. The upper bits of a word may hold anything until the
    // word is multiplied: the mask before each multiply is also what lets C2 choose the 32-bit
    // multiply. Of both, the first words are of the even counters, the second of the odd.
    LongVector steps = EVEN.mul(distance);
    LongVector a0 = steps.add(counter);
    LongVector b0 = a0.add(distance);
    LongVector c0 = steps.add(counter2);
    LongVector d0 = c0.add(distance);
    LongVector a1 = a0.lanewise(LSHR, 32);
    LongVector b1 = b0.lanewise(LSHR, 32);
    LongVector c1 = c0.lanewise(LSHR, 32);
    LongVector d1 = d0.lanewise(LSHR, 32);
    LongVector a2 = LongVector.broadcast(J, step);
    LongVector b2 = a2;
    LongVector c2 = a2;
    LongVector d2 = a2;
    LongVector a3 = LongVector.broadcast(J, site);
    LongVector b3 = a3;
    LongVector c3 = a3;
    LongVector d3 = a3;
    LongVector k0 = LongVector.broadcast(J, key0);
    LongVector k1 = LongVector.broadcast(J, key1);
    for (int round = 0; round < ROUNDS; round++) {
      LongVector ap = a0.and(LOW).mul(M0);
      LongVector aq = a2.and(LOW).mul(M1);
      LongVector bp = b0.and(LOW).mul(M0);
      LongVector bq = b2.and(LOW).mul(M1);
      LongVector cp = c0.and(LOW).mul(M0);
      LongVector cq = c2.and(LOW).mul(M1);
      LongVector dp = d0.and(LOW).mul(M0);
      LongVector dq = d2.and(LOW).mul(M1);
      a0 = aq.lanewise(LSHR, 32).lanewise(XOR, a1).lanewise(XOR, k0);
      a2 = ap.lanewise(LSHR, 32).lanewise(XOR, a3).lanewise(XOR, k1);
      a1 = aq;
      a3 = ap;
      b0 = bq.lanewise(LSHR, 32).lanewise(XOR, b1).lanewise(XOR, k0);
      b2 = bp.lanewise(LSHR, 32).lanewise(XOR, b3).lanewise(XOR, k1);
      b1 = bq;
      b3 = bp;
      c0 = cq.lanewise(LSHR, 32).lanewise(XOR, c1).lanewise(XOR, k0);
      c2 = cp.lanewise(LSHR, 32).lanewise(XOR, c3).lanewise(XOR, k1);
      c1 = cq;
      c3 = cp;
      d0 = dq.lanewise(LSHR, 32).lanewise(XOR, d1).lanewise(XOR, k0);
      d2 = dp.lanewise(LSHR, 32).lanewise(XOR, d3).lanewise(XOR, k1);
      d1 = dq;
      d3 = dp;
      k0 = k0.add(W0);
      k1 = k1.add(W1);
    }
    FloatVector kept = FloatVector.broadcast(F, scale);
    FloatVector dropped = FloatVector.zero(F);
    IntVector aw0 = a0.and(LOW).or(b0.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ak0 = aw0.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ak0.cast(F)).intoArray(out, at);
    IntVector aw1 = a1.and(LOW).or(b1.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ak1 = aw1.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ak1.cast(F)).intoArray(out, at + next);
    IntVector aw2 = a2.and(LOW).or(b2.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ak2 = aw2.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ak2.cast(F)).intoArray(out, at + 2 * next);
    IntVector aw3 = a3.and(LOW).or(b3.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ak3 = aw3.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ak3.cast(F)).intoArray(out, at + 3 * next);
    IntVector cw0 = c0.and(LOW).or(d0.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ck0 = cw0.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ck0.cast(F)).intoArray(out, at2);
    IntVector cw1 = c1.and(LOW).or(d1.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ck1 = cw1.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ck1.cast(F)).intoArray(out, at2 + next);
    IntVector cw2 = c2.and(LOW).or(d2.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ck2 = cw2.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ck2.cast(F)).intoArray(out, at2 + 2 * next);
    IntVector cw3 = c3.and(LOW).or(d3.lanewise(LSHL, 32)).reinterpretAsInts();
    VectorMask<Integer> ck3 = cw3.lanewise(LSHR, 8).compare(GE, threshold);
    dropped.blend(kept, ck3.cast(F)).intoArray(out, at2 + 3 * next);
  }
}

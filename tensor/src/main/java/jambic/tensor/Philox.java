package jambic.tensor;

/**
 * Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3" (SC11): a pure function from a 128-bit counter and a 64-bit key to 128 random bits.
 * Every random number in Jambic (weights, batches, dropout, sampling) comes from it, so a run is
 * its seed and its counters; there is no state to save.
 */
public final class Philox {
  private static final int M0 = 0xD2511F53;
  private static final int M1 = 0xCD9E8D57;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;

  private final long key;
  private final int stream;
  private final int[] words = new int[4];
  private long block;
  private int used = 4;

  /**
   * A sequence of numbers: the blocks (0, 1, 2, ...) of one stream of a key.
   *
   * @param key the seed
   * @param stream which of the key's independent sequences
   */
  public Philox(long key, int stream) {
    this.key = key;
    this.stream = stream;
  }

  /**
   * Four random words of one counter.
   *
   * @param out receives four words at 0..3
   * @param key the 64-bit key
   * @param c0 counter word 0, the lowest
   * @param c1 counter word 1
   * @param c2 counter word 2
   * @param c3 counter word 3
   */
  public static void block(int[] out, long key, int c0, int c1, int c2, int c3) {
    int k0 = (int) key;
    int k1 = (int) (key >>> 32);
    for (int round = 0; round < 10; round++) {
      long p0 = (M0 & 0xFFFFFFFFL) * (c0 & 0xFFFFFFFFL);
      long p1 = (M1 & 0xFFFFFFFFL) * (c2 & 0xFFFFFFFFL);
      c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
      c1 = (int) p1;
      c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
      c3 = (int) p0;
      k0 += W0;
      k1 += W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
  }

  /**
   * The next word of the sequence.
   *
   * @return 32 random bits
   */
  public int nextInt() {
    if (used == 4) {
      block(words, key, (int) block, (int) (block >>> 32), 0, stream);
      block++;
      used = 0;
    }
    return words[used++];
  }

  /**
   * The next integer below a bound, without bias beyond 2^-32 (a multiply-shift of one word).
   *
   * @param bound the exclusive upper limit, at least 1
   * @return a number in [0, bound)
   */
  public int nextInt(int bound) {
    return (int) (((nextInt() & 0xFFFFFFFFL) * bound) >>> 32);
  }

  /**
   * The next number of the unit interval.
   *
   * @return a multiple of 2^-53 in [0, 1)
   */
  public double nextDouble() {
    long high = nextInt() & 0xFFFFFFFFL;
    long low = nextInt() & 0xFFFFFFFFL;
    return ((high << 21) ^ (low >>> 11)) * 0x1p-53;
  }

  /**
   * The next normally distributed number (Box and Muller, 1958; the cosine half, so that a draw
   * costs a fixed four words).
   *
   * @return a number of mean 0 and variance 1
   */
  public double nextGaussian() {
    double u = 1.0 - nextDouble(); // (0, 1]: its logarithm is finite
    double v = nextDouble();
    return StrictMath.sqrt(-2.0 * StrictMath.log(u)) * StrictMath.cos(2.0 * Math.PI * v);
  }
}

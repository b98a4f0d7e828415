package jambic.train.data;

import jambic.tensor.Philox;
import java.util.stream.IntStream;

/**
 * Goes through numbered things epoch by epoch: each comes once in an epoch, in an order that the
 * seed and the epoch's number decide.
 */
public final class EpochOrder {
  private static final int SHUFFLE = 0x45_50_4F_00; // a stream of Philox of its own

  private final int size;
  private final long seed;
  private int[] order = {}; // in the epoch of orderedEpoch
  private long orderedEpoch = -1;

  /**
   * Makes the order.
   *
   * @param size how many things there are, at least 1
   * @param seed decides the orders
   */
  public EpochOrder(int size, long seed) {
    this.size = size;
    this.seed = seed;
  }

  /**
   * Returns what comes at a place.
   *
   * @param place from 0, over all epochs
   * @return its number, from 0 to the size - 1
   */
  public int at(long place) {
    long epoch = place / size;
    if (epoch != orderedEpoch) {
      order = shuffled(size, seed, epoch, SHUFFLE);
      orderedEpoch = epoch;
    }
    return order[(int) (place % size)];
  }

  /**
   * Shuffles numbers (Fisher and Yates).
   *
   * @param count how many
   * @param seed decides the order
   * @param epoch decides it too
   * @param stream of Philox, one for each purpose
   * @return the numbers from 0 to count - 1
   */
  public static int[] shuffled(int count, long seed, long epoch, int stream) {
    int[] order = IntStream.range(0, count).toArray();
    int[] words = new int[4];
    for (int i = count - 1; i > 0; i--) {
      Philox.block(words, seed, i, (int) epoch, (int) (epoch >>> 32), stream);
      long bits = (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
      int j = (int) Math.unsignedMultiplyHigh(bits, i + 1L);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }
}

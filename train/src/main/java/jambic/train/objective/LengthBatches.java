package jambic.train.objective;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.EpochOrder;
import java.util.Arrays;

/**
 * Puts rows of about the same length together, every row once an epoch. Widths are multiples of 16,
 * so that there are few of them; the widest is the context.
 *
 * <p>An epoch's rows are shuffled, sorted by their widths, and cut into batches, which are shuffled
 * in turn. All of it is a function of the seed and the epoch's number, so a batch is one of its
 * index alone.
 *
 * <p>One instance serves one thread at a time.
 */
public final class LengthBatches {
  private static final int MULTIPLE = 16;
  private static final long FIXED = -1; // an epoch that is never trained on

  // Streams of the generator, apart from each other and from every other use of the seed.
  private static final int ROWS = 0x41_4E_53_00;
  private static final int BATCHES = ROWS + 1;

  private final int[] widths; // by row
  private final int batchSize;
  private final long seed;
  private int[][] batches = new int[0][]; // of orderedEpoch: the rows of each
  private long orderedEpoch = Long.MIN_VALUE;

  /**
   * Batches of rows.
   *
   * @param lengths by row: tokens that a model reads, from 1 to the context
   * @param batchSize B, rows of a batch
   * @param context tokens of a row at most
   * @param seed decides the order
   * @throws JambicException if there is no row, or one is longer than the context
   */
  public LengthBatches(int[] lengths, int batchSize, int context, long seed) {
    if (lengths.length == 0) {
      throw new JambicException("there are no examples to make batches of");
    }
    this.batchSize = batchSize;
    this.seed = seed;
    widths = Arrays.stream(lengths).map(length -> width(length, context)).toArray();
  }

  private static int width(int length, int context) {
    if (length > context) {
      throw new JambicException(
          Text.format(
              "an example of %d tokens does not fit into the context of %d", length, context));
    }
    return Math.min(Math.ceilDiv(Math.max(length, 1), MULTIPLE) * MULTIPLE, context);
  }

  /**
   * Counts the batches of an epoch, of which one may have fewer rows than the others.
   *
   * @return how many each epoch has
   */
  public int perEpoch() {
    return Math.ceilDiv(widths.length, batchSize);
  }

  /**
   * Gives a batch to train on.
   *
   * @param index which one, from 0, counted over all epochs
   * @return its rows
   */
  public int[] rows(long index) {
    return batch(index / perEpoch(), (int) (index % perEpoch()));
  }

  /**
   * Gives a batch to measure with, in an order that never changes and is not that of lengths.
   *
   * @param index which one, from 0; past {@link #perEpoch} they come again
   * @return its rows
   */
  public int[] fixedRows(long index) {
    return batch(FIXED, (int) (index % perEpoch()));
  }

  private int[] batch(long epoch, int position) {
    if (epoch != orderedEpoch) {
      order(epoch);
    }
    return batches[position].clone();
  }

  /**
   * The width of a batch.
   *
   * @param rows its rows
   * @return the greatest of theirs
   */
  public int width(int[] rows) {
    return Arrays.stream(rows).map(row -> widths[row]).max().orElseThrow();
  }

  private void order(long epoch) {
    int[] shuffled = shuffled(widths.length, epoch, ROWS);
    long[] keys = new long[shuffled.length]; // those of a width stay in order
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (long) widths[shuffled[i]] << 32 | i;
    }
    Arrays.sort(keys);
    int[] sorted = Arrays.stream(keys).mapToInt(key -> shuffled[(int) key]).toArray();
    batches =
        Arrays.stream(shuffled(perEpoch(), epoch, BATCHES))
            .mapToObj(batch ->
                Arrays.copyOfRange(
                    sorted, batch * batchSize, Math.min((batch + 1) * batchSize, sorted.length)))
            .toArray(int[][]::new);
    orderedEpoch = epoch;
  }

  private int[] shuffled(int count, long epoch, int stream) {
    return EpochOrder.shuffled(count, seed, epoch, stream);
  }
}

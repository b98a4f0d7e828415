package jambic.train.objective;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.EpochOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Puts rows of about the same length together, every row once an epoch. Widths are multiples of 16,
 * so that there are few of them; the widest is the context.
 *
 * <p>An epoch's rows are shuffled, sorted by their widths, and cut into batches, which are shuffled
 * in turn. All of it is a function of the seed and the epoch's number, so a batch is one of its
 * index alone. A batch has as many rows as all others, or about as many tokens ({@link #ofTokens}).
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
  private final int[] keys; // by row: what they are sorted by, their lengths or widths
  private final int[]
      cuts; // where batches begin in that order, which all epochs have; then the end
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
    widths = widths(lengths, context);
    keys = widths;
    cuts =
        IntStream.rangeClosed(0, Math.ceilDiv(lengths.length, batchSize))
            .map(batch -> (int) Math.min((long) batch * batchSize, lengths.length))
            .toArray();
    this.seed = seed;
  }

  private LengthBatches(int[] lengths, int context, int[] cuts, long seed) {
    widths = widths(lengths, context);
    keys = lengths.clone();
    this.cuts = cuts;
    this.seed = seed;
  }

  /**
   * Batches of rows that have about as many tokens each: no more than are asked for, and the next
   * row would not fit.
   *
   * @param lengths by row: tokens that a model reads, from 1 to the context
   * @param tokens of a batch at most, no fewer than the context
   * @param context tokens of a row at most
   * @param seed decides the order
   * @return the batches
   * @throws JambicException if there is no row, or one is longer than the context
   */
  public static LengthBatches ofTokens(int[] lengths, int tokens, int context, long seed) {
    int[] sorted = Arrays.stream(lengths).sorted().toArray();
    IntStream.Builder cuts = IntStream.builder().add(0);
    int first = 0;
    int sum = 0;
    for (int i = 0; i < sorted.length; i++) {
      sum += sorted[i];
      if (i > first && (sum > tokens || i - first == rows(width(sorted[i], context), tokens))) {
        cuts.add(i);
        first = i;
        sum = sorted[i];
      }
    }
    return new LengthBatches(lengths, context, cuts.add(sorted.length).build().toArray(), seed);
  }

  /**
   * The most rows of a batch of tokens, by its width.
   *
   * @param width of the batch
   * @param tokens of the batch at most
   * @return how many of the shortest rows of that width fit, at least 1
   */
  public static int rows(int width, int tokens) {
    return Math.max(1, tokens / ((width - 1) / MULTIPLE * MULTIPLE + 1));
  }

  private static int[] widths(int[] lengths, int context) {
    if (lengths.length == 0) {
      throw new JambicException("there are no examples to make batches of");
    }
    return Arrays.stream(lengths).map(length -> width(length, context)).toArray();
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
    return cuts.length - 1;
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
    long[] order = new long[shuffled.length]; // those of a key stay in order
    for (int i = 0; i < order.length; i++) {
      order[i] = (long) keys[shuffled[i]] << 32 | i;
    }
    Arrays.sort(order);
    int[] sorted = Arrays.stream(order).mapToInt(key -> shuffled[(int) key]).toArray();
    batches =
        Arrays.stream(shuffled(perEpoch(), epoch, BATCHES))
            .mapToObj(batch -> Arrays.copyOfRange(sorted, cuts[batch], cuts[batch + 1]))
            .toArray(int[][]::new);
    orderedEpoch = epoch;
  }

  private int[] shuffled(int count, long epoch, int stream) {
    return EpochOrder.shuffled(count, seed, epoch, stream);
  }
}

package jambic.train.pairs;

import jambic.model.ConfigMessage.Name;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Gives batches of pairs of about the same length, every pair once an epoch. The batches of an
 * epoch and their order depend only on the seed and on the number of the epoch, so a {@link Cursor}
 * is all that has to be saved to go on from there.
 *
 * <p>The pairs are shuffled, sorted by length within pools of about a hundred batches, and cut into
 * batches, which are shuffled. A batch of pairs whose longer sides are at most L tokens, rounded up
 * to a multiple of eight, has {@code batchTokens / L} rows.
 *
 * <p>One instance serves one thread at a time.
 */
public final class PairBatches {
  private static final int POOL_BATCHES = 100;

  // Streams of the generator, apart from each other and from every other use of the seed.
  private static final int PAIRS = 0x50_41_49_00;
  private static final int BATCHES = PAIRS + 1;

  private final EncodedPairs data;
  private final int batchTokens;
  private final int start;
  private final int pad;
  private final long seed;
  private final int[] words = new int[4];
  private List<int[]> batches; // of the epoch: the pairs of each
  private Cursor cursor;

  /**
   * A place in the order of the batches.
   *
   * @param epoch the epoch, from 0
   * @param position the next batch of the epoch, from 0
   */
  public record Cursor(int epoch, int position) {
    /** Where training begins. */
    public static final Cursor START = new Cursor(0, 0);
  }

  /**
   * Batches from the start.
   *
   * @param data the pairs
   * @param batchTokens tokens of a side in a batch at most, padding included
   * @param start the id that the decoder begins with
   * @param pad the id that fills rows up
   * @param seed decides the order
   * @throws HyperparameterException if a pair is longer than a batch
   */
  public PairBatches(EncodedPairs data, int batchTokens, int start, int pad, long seed) {
    int longest = IntStream.range(0, data.pairs().size()).map(data::length).max().orElseThrow();
    if (data.padded(longest) > batchTokens) {
      throw new HyperparameterException(
          "%s (%d) must be at least %d, the longest pair's tokens with padding; give more, or a lower %s",
          new Name("batchTokens"), batchTokens, data.padded(longest), new Name("maxLength"));
    }
    this.data = data;
    this.batchTokens = batchTokens;
    this.start = start;
    this.pad = pad;
    this.seed = seed;
    cursor = Cursor.START;
    batches = order(0);
  }

  /**
   * Tells where the next batch is.
   *
   * @return the place, by which another instance over the same pairs goes on
   */
  public Cursor cursor() {
    return cursor;
  }

  /**
   * Goes to a place.
   *
   * @param place where the next batch is
   * @throws JambicException if there is none, because the pairs or the batches are others
   */
  public void skipTo(Cursor place) {
    List<int[]> order = place.epoch() == cursor.epoch() ? batches : order(place.epoch());
    if (place.position() < 0 || place.position() >= order.size()) {
      throw new JambicException(
          Text.format(
              "there is no batch %d in epoch %d, which has %d; the pairs or the size of batches are not those of the run",
              place.position(), place.epoch(), order.size()));
    }
    batches = order;
    cursor = place;
  }

  /**
   * Counts the batches of the epoch that the next batch belongs to. Epochs may differ a little.
   *
   * @return how many it has
   */
  public int batchesInEpoch() {
    return batches.size();
  }

  /**
   * Gives the next batch to train on, and goes past it.
   *
   * @return the batch
   */
  public PairBatch next() {
    PairBatch batch = peek();
    int position = cursor.position() + 1;
    skipTo(
        position < batches.size()
            ? new Cursor(cursor.epoch(), position)
            : new Cursor(cursor.epoch() + 1, 0));
    return batch;
  }

  /**
   * Gives the next batch without going past it.
   *
   * @return the batch
   */
  public PairBatch peek() {
    return batch(batches.get(cursor.position()));
  }

  /**
   * Gives batches to measure with: every pair once, the shortest first, whatever the seed.
   *
   * @return the batches
   */
  public List<PairBatch> sequential() {
    int[] pairs = IntStream.range(0, data.pairs().size()).toArray();
    List<int[]> cut = new ArrayList<>();
    cut(pairs, 0, pairs.length, cut);
    return cut.stream().map(this::batch).toList();
  }

  private List<int[]> order(int epoch) {
    int[] pairs = IntStream.range(0, data.pairs().size()).toArray();
    shuffle(pairs, PAIRS, epoch);
    List<int[]> cut = new ArrayList<>();
    long tokens = 0;
    int begin = 0;
    for (int end = 0; end < pairs.length; ) {
      tokens += bucket(pairs[end++]);
      if (tokens >= (long) POOL_BATCHES * batchTokens || end == pairs.length) {
        cut(pairs, begin, end, cut);
        begin = end;
        tokens = 0;
      }
    }
    int[] places = IntStream.range(0, cut.size()).toArray();
    shuffle(places, BATCHES, epoch);
    return Arrays.stream(places).mapToObj(cut::get).toList();
  }

  /** Sorts some of the pairs by length and cuts them into batches that are as full as can be. */
  private void cut(int[] pairs, int begin, int end, List<int[]> into) {
    long[] keys = new long[end - begin]; // those of a length stay in order
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (long) bucket(pairs[begin + i]) << 32 | i;
    }
    Arrays.sort(keys);
    int[] sorted = Arrays.stream(keys).mapToInt(key -> pairs[begin + (int) key]).toArray();
    int from = 0;
    for (int to = 0; to < sorted.length; to++) {
      if (to - from + 1 > batchTokens / bucket(sorted[to])) {
        into.add(Arrays.copyOfRange(sorted, from, to));
        from = to;
      }
    }
    into.add(Arrays.copyOfRange(sorted, from, sorted.length));
  }

  private int bucket(int pair) {
    return data.padded(data.length(pair));
  }

  private PairBatch batch(int[] pairs) {
    List<EncodedPairs.Ids> rows = Arrays.stream(pairs).mapToObj(data.pairs()::get).toList();
    int source = rows.stream().mapToInt(row -> row.source().length).max().orElseThrow();
    int target = rows.stream().mapToInt(row -> row.target().length).max().orElseThrow();
    PairBatch.Shape shape =
        new PairBatch.Shape(
            batchTokens / data.padded(Math.max(source, target)),
            data.padded(source),
            data.padded(target));
    return PairBatch.of(shape, rows, start, pad);
  }

  /** Shuffles as Fisher and Yates do. */
  private void shuffle(int[] array, int stream, int epoch) {
    for (int i = array.length - 1; i > 0; i--) {
      Philox.block(words, seed, i, 0, epoch, stream);
      long bits = (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
      int j = (int) Math.unsignedMultiplyHigh(bits, i + 1L);
      int swapped = array[i];
      array[i] = array[j];
      array[j] = swapped;
    }
  }
}

package jambic.train.data;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.Philox;
import jambic.tensor.text.Text;
import jambic.train.data.Dataset.Split;
import java.util.Arrays;
import java.util.Locale;

/**
 * Draws batches from a dataset: x is a window of the text, y the same window one token later.
 *
 * <p>There is no state: a batch is a function of the seed and of where it is used, by way of a
 * counter-based generator. A resumed run therefore needs to know nothing but its iteration, and an
 * evaluation neither disturbs the training batches nor sees others the next time.
 *
 * <p>One instance serves one thread at a time.
 */
public final class BatchSampler implements WindowSource {
  /** A target that the loss ignores: past the end of the text. */
  public static final int IGNORED = -1;

  // Streams of the generator, apart from each other and from every other use of the seed.
  private static final int TRAINING = 0x42_41_54_00;
  private static final int EVALUATION = TRAINING + 1; // + the split's ordinal

  private final Dataset data;
  private final int batchSize;
  private final int blockSize;
  private final long seed;
  private final int[] window; // one window and the token after it
  private final int[] words = new int[4];

  /**
   * A sampler over a dataset.
   *
   * @param data the dataset; each part holds more than {@code blockSize} tokens
   * @param batchSize windows in a batch
   * @param blockSize tokens in a window
   * @param seed what makes the random windows these and no others
   * @throws JambicException if a part of the dataset is too short for one window
   */
  public BatchSampler(Dataset data, int batchSize, int blockSize, long seed) {
    for (Split split : Split.values()) {
      long length = data.of(split).length();
      if (length <= blockSize) {
        throw new JambicException(
            Text.format(
                "the %s part has %s, but a context of %d needs at least %d; give a longer text or a smaller context",
                split.name().toLowerCase(Locale.ROOT),
                ErrorText.count(length, "token"),
                blockSize,
                blockSize + 1L));
      }
    }
    this.data = data;
    this.batchSize = batchSize;
    this.blockSize = blockSize;
    this.seed = seed;
    this.window = new int[blockSize + 1];
  }

  @Override
  public void train(int iteration, int microStep, int[] x, int[] y) {
    random(Split.TRAIN, TRAINING, iteration, microStep, x, y);
  }

  @Override
  public void evaluation(Split split, int index, int[] x, int[] y) {
    random(split, EVALUATION + split.ordinal(), index, 0, x, y);
  }

  @Override
  public long sequentialCount(Split split) {
    long windows = Math.ceilDiv(data.of(split).length() - 1, blockSize);
    return Math.ceilDiv(windows, batchSize);
  }

  @Override
  public int sequential(Split split, long index, int[] x, int[] y) {
    TokenSource tokens = data.of(split);
    Arrays.fill(x, 0);
    Arrays.fill(y, IGNORED);
    int targets = 0;
    for (int row = 0; row < batchSize; row++) {
      long start = (index * batchSize + row) * blockSize;
      int count = Math.clamp(tokens.length() - 1 - start, 0, blockSize);
      if (count > 0) {
        tokens.copy(start, x, row * blockSize, count);
        tokens.copy(start + 1, y, row * blockSize, count);
        targets += count;
      }
    }
    return targets;
  }

  private void random(Split split, int stream, int index, int microStep, int[] x, int[] y) {
    TokenSource tokens = data.of(split);
    long starts = tokens.length() - blockSize; // a start needs blockSize tokens and one more
    for (int row = 0; row < batchSize; row++) {
      long start = Math.unsignedMultiplyHigh(bits(stream, index, microStep, row), starts);
      tokens.copy(start, window, 0, blockSize + 1);
      System.arraycopy(window, 0, x, row * blockSize, blockSize);
      System.arraycopy(window, 1, y, row * blockSize, blockSize);
    }
  }

  /** 64 random bits for one row of one batch. */
  private long bits(int stream, int index, int microStep, int row) {
    Philox.block(words, seed, row, microStep, index, stream);
    return (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
  }
}

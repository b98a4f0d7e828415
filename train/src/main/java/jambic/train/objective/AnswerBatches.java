package jambic.train.objective;

import jambic.tensor.JambicException;
import jambic.train.data.BatchSampler;
import jambic.train.example.TokenExample;
import java.util.Arrays;
import java.util.List;

/**
 * Puts examples into rows of a batch, padded on the right to its width. Targets are the learned
 * tokens; those of prompts and of padding do not count.
 */
public final class AnswerBatches {
  /**
   * A batch.
   *
   * @param width T, tokens of a row
   * @param x (B, T) the tokens to read, then padding; rows at the end may be nothing but that
   * @param y (B, T) the token that follows each, or {@link BatchSampler#IGNORED}
   * @param targets how many count
   */
  public record Batch(int width, int[] x, int[] y, int targets) {}

  private final List<TokenExample> examples;
  private final int batchSize;
  private final LengthBatches order;

  /**
   * Batches of examples.
   *
   * @param examples at least one
   * @param batchSize B, examples of a batch
   * @param context T at most: an example has one token more, which is only predicted
   * @param seed decides the order
   * @throws JambicException if there is no example, or one does not fit into the context
   */
  public AnswerBatches(List<TokenExample> examples, int batchSize, int context, long seed) {
    this.examples = List.copyOf(examples);
    this.batchSize = batchSize;
    int[] lengths = examples.stream().mapToInt(AnswerBatches::inputs).toArray();
    order = new LengthBatches(lengths, batchSize, context, seed);
  }

  private static int inputs(TokenExample example) {
    return example.ids().length - 1;
  }

  /**
   * Counts the examples of a batch.
   *
   * @return B
   */
  public int batchSize() {
    return batchSize;
  }

  /**
   * Counts the batches of an epoch.
   *
   * @return how many it takes to go through all examples once
   */
  public int perEpoch() {
    return order.perEpoch();
  }

  /**
   * Tells the width of a batch to train on.
   *
   * @param index which one, from 0, counted over all epochs
   * @return T
   */
  public int width(long index) {
    return order.width(order.rows(index));
  }

  /**
   * Tells the width of a batch to measure with.
   *
   * @param index which one, from 0
   * @return T
   */
  public int fixedWidth(long index) {
    return order.width(order.fixedRows(index));
  }

  /**
   * Gives a batch to train on.
   *
   * @param index which one, from 0, counted over all epochs
   * @return the batch
   */
  public Batch batch(long index) {
    return batch(order.rows(index));
  }

  /**
   * Gives a batch to measure with, the same one for the same index.
   *
   * @param index which one, from 0; past {@link #perEpoch} they come again
   * @return the batch
   */
  public Batch fixedBatch(long index) {
    return batch(order.fixedRows(index));
  }

  private Batch batch(int[] rows) {
    int width = order.width(rows);
    int[] x = new int[batchSize * width];
    int[] y = new int[x.length];
    Arrays.fill(y, BatchSampler.IGNORED);
    int targets = 0;
    for (int row = 0; row < rows.length; row++) {
      TokenExample example = examples.get(rows[row]);
      int from = row * width;
      System.arraycopy(example.ids(), 0, x, from, inputs(example));
      for (int t = 0; t < inputs(example); t++) {
        if (example.learned()[t + 1]) {
          y[from + t] = example.ids()[t + 1];
          targets++;
        }
      }
    }
    return new Batch(width, x, y, targets);
  }
}

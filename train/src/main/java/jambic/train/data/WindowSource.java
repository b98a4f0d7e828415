package jambic.train.data;

import jambic.train.data.Dataset.Split;

/**
 * Gives batches of windows: x is some text, y the same text one token later, each (batchSize,
 * blockSize) in row-major order.
 */
@FunctionalInterface
public interface WindowSource {
  /**
   * Fills in the training batch of a micro step.
   *
   * @param iteration the iteration, from 0
   * @param micro the micro step within it, from 0, for gradient accumulation
   * @param x the inputs
   * @param y the targets
   */
  void train(int iteration, int micro, int[] x, int[] y);

  /**
   * Fills in a batch to estimate a split's loss with, the same one for the same index; unless
   * overridden, a training batch.
   *
   * @param split which part of the data
   * @param index which of the estimate's batches, from 0
   * @param x the inputs
   * @param y the targets
   */
  default void evaluation(Split split, int index, int[] x, int[] y) {
    train(index, split.ordinal(), x, y);
  }

  /**
   * Returns how many batches {@link #sequential} cuts a split into; unless overridden, none.
   *
   * @param split which part of the data
   * @return the number of batches
   */
  default long sequentialCount(Split split) {
    return 0;
  }

  /**
   * Fills in a batch of consecutive windows. Over all of them each token of the split but its first
   * is a target exactly once. Where the text ends inside the batch, the remaining targets are
   * {@link BatchSampler#IGNORED} and the remaining inputs 0.
   *
   * @param split which part of the data
   * @param index which batch, from 0 to {@link #sequentialCount} - 1
   * @param x the inputs
   * @param y the targets
   * @return the number of targets that count, the weight of this batch's mean loss in the whole
   */
  default int sequential(Split split, long index, int[] x, int[] y) {
    throw new IndexOutOfBoundsException("there is no batch " + index);
  }
}

package jambic.train.objective;

import jambic.tensor.Ops;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import java.util.List;

/**
 * What a model learns: which batches it sees, and the loss to minimize. A new one is a class beside
 * {@link NextTokenPrediction}.
 *
 * <p>A batch lies in tensors that every run of a recorded step reads again. Losses are means over
 * what counts in a batch, such as targets that are not masked; the mean over several batches
 * weights each by that number.
 */
public interface Objective {
  /** The shape of all batches of an objective whose batches have one. */
  Object ONE_SHAPE = "all batches have one shape";

  /**
   * Returns the shape of a batch to train on. A program is recorded for each, so there should be
   * few.
   *
   * @param iteration the iteration, from 0
   * @param micro which micro batch of the iteration, from 0
   * @return a value that equals those of batches with the same shape
   */
  default Object shape(int iteration, int micro) {
    return ONE_SHAPE;
  }

  /**
   * Returns the shape of a batch to estimate a split's loss with.
   *
   * @param split which part of the data
   * @param index which of the estimate's batches, from 0
   * @return a value that equals those of batches with the same shape
   */
  default Object shape(Split split, int index) {
    return ONE_SHAPE;
  }

  /**
   * Allocates the tensors of a batch.
   *
   * @param region where they live
   * @param shape the batch's
   * @return the inputs, in the order that {@link #loss} expects
   */
  List<Tensor> allocate(Region region, Object shape);

  /**
   * Fills in a batch to train on, a function of its place alone.
   *
   * @param inputs of its shape, overwritten
   * @param iteration the iteration, from 0
   * @param micro which micro batch of the iteration, from 0
   * @return the weight of its loss: how many targets count
   */
  int fill(List<Tensor> inputs, int iteration, int micro);

  /**
   * Fills in a batch to estimate a split's loss with, the same one for the same index.
   *
   * @param inputs of its shape, overwritten
   * @param split which part of the data
   * @param index which of the estimate's batches, from 0
   * @return the weight of its loss
   */
  int fill(List<Tensor> inputs, Split split, int index);

  /**
   * Returns how many batches {@link #fillInOrder} cuts a split into.
   *
   * @param split which part of the data
   * @return the number of batches
   */
  long batchesInOrder(Split split);

  /**
   * Fills in a batch of a walk through a whole split, on which each target counts once. It has the
   * shape of the estimate's batch of that index.
   *
   * @param inputs of its shape, overwritten
   * @param split which part of the data
   * @param index which batch, from 0 to {@link #batchesInOrder} - 1
   * @return the weight of its loss
   */
  int fillInOrder(List<Tensor> inputs, Split split, long index);

  /**
   * Computes the loss of the batch that is filled in.
   *
   * @param ops how to compute
   * @param inputs what {@link #allocate} returned
   * @return (1), the mean over what counts
   */
  Tensor loss(Ops ops, List<Tensor> inputs);

  /**
   * Returns whether every batch has the same weight, so that a mean over batches is the plain one.
   *
   * @return whether weights never differ
   */
  boolean hasEqualWeights();
}

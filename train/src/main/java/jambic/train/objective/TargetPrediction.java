package jambic.train.objective;

import jambic.model.translator.Translator;
import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import jambic.train.pairs.PairBatch;
import jambic.train.pairs.PairBatches;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Predicts each token of a target from its source and the tokens before it: translation (Vaswani et
 * al., 2017). Training smooths the labels, estimates do not.
 */
public final class TargetPrediction implements Objective {
  private final Translator model;
  private final PairBatches training;
  private final List<PairBatch> trainEstimate;
  private final List<PairBatch> valid;
  private final int microSteps;
  private final float smoothing;
  private final List<Long> epochStarts = new ArrayList<>(List.of(0L)); // batches before each epoch

  /**
   * Trains a model on pairs.
   *
   * @param model the model
   * @param training the pairs to train on, in the order of epochs
   * @param trainEstimate batches of them to estimate their loss with
   * @param valid batches of pairs to measure with
   * @param microSteps batches behind one update
   * @param smoothing label smoothing
   */
  public TargetPrediction(
      Translator model,
      PairBatches training,
      List<PairBatch> trainEstimate,
      List<PairBatch> valid,
      int microSteps,
      float smoothing) {
    this.model = model;
    this.training = training;
    this.trainEstimate = List.copyOf(trainEstimate);
    this.valid = List.copyOf(valid);
    this.microSteps = microSteps;
    this.smoothing = smoothing;
  }

  /**
   * Returns how many batches a split can be estimated with.
   *
   * @param split which part of the data
   * @return the number
   */
  public int batches(Split split) {
    return batchesOf(split).size();
  }

  /**
   * Counts the target tokens of an iteration.
   *
   * @param iteration the iteration, from 0
   * @return how many count
   */
  public long targets(int iteration) {
    return IntStream.range(0, microSteps).mapToLong(i -> batch(iteration, i).targetCount()).sum();
  }

  private List<PairBatch> batchesOf(Split split) {
    return split == Split.TRAIN ? trainEstimate : valid;
  }

  @Override
  public Object shape(int iteration, int micro) {
    return batch(iteration, micro).shape();
  }

  @Override
  public Object shape(Split split, int index) {
    return batchesOf(split).get(index).shape();
  }

  @Override
  public List<Tensor> allocate(Region region, Object shape) {
    PairBatch.Shape sizes = (PairBatch.Shape) shape;
    Shape source = Shape.of(sizes.batchSize(), sizes.sourceLength());
    Shape target = Shape.of(sizes.batchSize(), sizes.targetLength());
    return List.of(
        region.allocate(DType.I32, source),
        region.allocate(DType.I32, Shape.of(sizes.batchSize())),
        region.allocate(DType.I32, target),
        region.allocate(DType.I32, target));
  }

  @Override
  public int fill(List<Tensor> inputs, int iteration, int micro) {
    return upload(inputs, batch(iteration, micro));
  }

  @Override
  public int fill(List<Tensor> inputs, Split split, int index) {
    return upload(inputs, batchesOf(split).get(index));
  }

  @Override
  public long batchesInOrder(Split split) {
    return batchesOf(split).size();
  }

  @Override
  public int fillInOrder(List<Tensor> inputs, Split split, long index) {
    return fill(inputs, split, Math.toIntExact(index));
  }

  /** The batch at a place, however the one before was asked for. */
  private PairBatch batch(int iteration, int micro) {
    long index = (long) iteration * microSteps + micro;
    int epoch = epochStarts.size() - 1;
    while (epoch > 0 && epochStarts.get(epoch) > index) {
      epoch--;
    }
    training.skipTo(new PairBatches.Cursor(epoch, 0));
    while (index - epochStarts.get(epoch) >= training.batchesInEpoch()) {
      long next = epochStarts.get(epoch) + training.batchesInEpoch();
      epoch++;
      if (epoch == epochStarts.size()) {
        epochStarts.add(next);
      }
      training.skipTo(new PairBatches.Cursor(epoch, 0));
    }
    training.skipTo(new PairBatches.Cursor(epoch, Math.toIntExact(index - epochStarts.get(epoch))));
    return training.peek();
  }

  private static int upload(List<Tensor> inputs, PairBatch batch) {
    inputs.get(0).set(batch.source());
    inputs.get(1).set(batch.sourceLengths());
    inputs.get(2).set(batch.decoderInput());
    inputs.get(3).set(batch.targets());
    return batch.targetCount();
  }

  @Override
  public Tensor loss(Ops ops, List<Tensor> inputs) {
    return model.loss(
        ops, inputs.get(0), inputs.get(1), inputs.get(2), inputs.get(3), smoothing(ops));
  }

  private float smoothing(Ops ops) {
    return ops instanceof Tape ? smoothing : 0;
  }

  @Override
  public boolean hasEqualWeights() {
    return false;
  }
}

package jambic.train.objective;

import jambic.model.LanguageModel;
import jambic.model.nn.Linear;
import jambic.model.nn.TokenPacking;
import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.AnswerBatches.Batch;
import java.util.List;

/**
 * Predicts the answers of examples, not their prompts: supervised fine-tuning. A row of a batch is
 * one example, padded on the right; targets inside the prompt and in the padding do not count. The
 * padding is not computed where examples are packed, and no example sees another.
 *
 * <p>Each epoch goes through all examples, in an order that the seed and the epoch's number decide.
 */
public final class AnswerPrediction implements Objective {
  private final LanguageModel model;
  private final AnswerBatches train;
  private final AnswerBatches val;
  private final int microSteps;

  /**
   * Trains a model on examples.
   *
   * @param model the model
   * @param train the examples to train on
   * @param val those held back, in batches as large
   * @param microSteps batches of an iteration
   */
  public AnswerPrediction(
      LanguageModel model, AnswerBatches train, AnswerBatches val, int microSteps) {
    this.model = model;
    this.train = train;
    this.val = val;
    this.microSteps = microSteps;
  }

  private AnswerBatches of(Split split) {
    return split == Split.TRAIN ? train : val;
  }

  private long index(int iteration, int micro) {
    return (long) iteration * microSteps + micro;
  }

  @Override
  public Object shape(int iteration, int micro) {
    return train.shape(index(iteration, micro));
  }

  @Override
  public Object shape(Split split, int index) {
    return of(split).fixedShape(index);
  }

  @Override
  public List<Tensor> allocate(Region region, Object shape) {
    AnswerBatches.Shape sizes = (AnswerBatches.Shape) shape;
    Shape rows = Shape.of(sizes.rows(), sizes.width()); // (B, T)
    if (!train.isPacked()) {
      return List.of(region.allocate(DType.I32, rows), region.allocate(DType.I32, rows));
    }
    Shape tokens = Shape.of(sizes.tokens()); // (R)
    return List.of(
        region.allocate(DType.I32, rows),
        region.allocate(DType.I32, tokens),
        region.allocate(DType.I32, rows),
        region.allocate(DType.I32, tokens));
  }

  @Override
  public int fill(List<Tensor> inputs, int iteration, int micro) {
    return upload(inputs, train.batch(index(iteration, micro)));
  }

  @Override
  public int fill(List<Tensor> inputs, Split split, int index) {
    return upload(inputs, of(split).fixedBatch(index));
  }

  @Override
  public long batchesInOrder(Split split) {
    return of(split).perEpoch();
  }

  @Override
  public int fillInOrder(List<Tensor> inputs, Split split, long index) {
    return upload(inputs, of(split).fixedBatch(index));
  }

  private static int upload(List<Tensor> inputs, Batch batch) {
    inputs.get(0).set(batch.x());
    inputs.get(1).set(batch.y());
    batch
        .places()
        .ifPresent(places -> {
          inputs.get(2).set(places.padded());
          inputs.get(3).set(places.packed());
        });
    return batch.targets();
  }

  @Override
  public Tensor loss(Ops ops, List<Tensor> inputs) {
    if (!train.isPacked()) {
      return model.loss(ops, inputs.get(0), inputs.get(1));
    }
    TokenPacking packing = new TokenPacking(inputs.get(2), inputs.get(3));
    Tensor x = model.hidden(ops, inputs.get(0), packing); // (R, C)
    Linear head = model.head();
    return ops.linearCrossEntropy(x, head.weight(), head.bias(), inputs.get(1), 0);
  }

  @Override
  public boolean hasEqualWeights() {
    return false;
  }
}

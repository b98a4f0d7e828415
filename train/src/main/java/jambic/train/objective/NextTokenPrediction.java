package jambic.train.objective;

import jambic.model.LanguageModel;
import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import jambic.train.data.WindowSource;
import java.util.List;

/** Predicts the next token at every position of random windows of a text: pre-training. */
public final class NextTokenPrediction implements Objective {
  private final LanguageModel model;
  private final WindowSource windows;
  private final Shape shape; // (B, T)
  private final int[] x;
  private final int[] y;

  /**
   * Trains a model on windows of text.
   *
   * @param model the model
   * @param windows the data
   * @param batchSize B, windows of a batch
   * @param blockSize T, tokens of a window
   */
  public NextTokenPrediction(
      LanguageModel model, WindowSource windows, int batchSize, int blockSize) {
    this.model = model;
    this.windows = windows;
    shape = Shape.of(batchSize, blockSize);
    x = new int[batchSize * blockSize];
    y = new int[x.length];
  }

  @Override
  public List<Tensor> allocate(Region region, Object oneShape) {
    return List.of(region.allocate(DType.I32, shape), region.allocate(DType.I32, shape));
  }

  @Override
  public int fill(List<Tensor> inputs, int iteration, int micro) {
    windows.train(iteration, micro, x, y);
    return upload(inputs, x.length);
  }

  @Override
  public int fill(List<Tensor> inputs, Split split, int index) {
    windows.evaluation(split, index, x, y);
    return upload(inputs, x.length);
  }

  @Override
  public long batchesInOrder(Split split) {
    return windows.sequentialCount(split);
  }

  @Override
  public int fillInOrder(List<Tensor> inputs, Split split, long index) {
    int count = windows.sequential(split, index, x, y);
    return upload(inputs, count);
  }

  private int upload(List<Tensor> inputs, int weight) {
    inputs.get(0).set(x);
    inputs.get(1).set(y);
    return weight;
  }

  @Override
  public Tensor loss(Ops ops, List<Tensor> inputs) {
    return model.loss(ops, inputs.get(0), inputs.get(1));
  }

  @Override
  public boolean hasEqualWeights() {
    return true;
  }
}

package jambic.train.classify;

import jambic.model.classifier.ClassifierConfig;
import jambic.model.classifier.GptClassifier;
import jambic.tensor.DType;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.LengthBatches;
import jambic.train.objective.Objective;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Predicts the label of each text from the state of its last token. A row of a batch is one text,
 * padded on the right, where no token of it sees the padding; rows at the end of a batch may be
 * nothing but that, and do not count.
 *
 * <p>Each epoch goes through all texts, in an order that the seed and the epoch's number decide.
 */
public final class LabelPrediction implements Objective {
  private final GptClassifier model;
  private final ClassifyConfig config;
  private final List<LabelledTokens> train;
  private final List<LabelledTokens> valid;
  private final LengthBatches trainOrder;
  private final LengthBatches validOrder;

  /**
   * Trains a model on texts.
   *
   * @param model the model
   * @param config the batches' size and number, and the seed
   * @param train texts to learn from
   * @param valid texts to measure with
   * @throws jambic.tensor.JambicException if either is empty, or a text is too long for the model
   */
  public LabelPrediction(
      GptClassifier model,
      ClassifyConfig config,
      List<LabelledTokens> train,
      List<LabelledTokens> valid) {
    this.model = model;
    this.config = config;
    this.train = List.copyOf(train);
    this.valid = List.copyOf(valid);
    trainOrder = order(train);
    validOrder = order(valid);
  }

  private LengthBatches order(List<LabelledTokens> texts) {
    return new LengthBatches(
        texts.stream().mapToInt(text -> text.ids().length).toArray(),
        size(),
        model.config().body().blockSize(),
        config.seed());
  }

  private int size() {
    return config.common().batch().batchSize();
  }

  private LengthBatches order(Split split) {
    return split == Split.TRAIN ? trainOrder : validOrder;
  }

  private int[] rows(int iteration, int micro) {
    return trainOrder.rows((long) iteration * config.gradientAccumulationSteps() + micro);
  }

  /** The tokens that an iteration reads, padding included. */
  long tokens(int iteration) {
    return IntStream.range(0, config.gradientAccumulationSteps())
        .mapToLong(micro -> (long) size() * trainOrder.width(rows(iteration, micro)))
        .sum();
  }

  /** The texts that the loss of a split is estimated with, by so many batches. */
  List<LabelledTokens> estimated(Split split, int batches) {
    List<LabelledTokens> texts = split == Split.TRAIN ? train : valid;
    return IntStream.range(0, Math.min(batches, order(split).perEpoch()))
        .flatMap(index -> Arrays.stream(order(split).fixedRows(index)))
        .mapToObj(texts::get)
        .toList();
  }

  @Override
  public Object shape(int iteration, int micro) {
    return Shape.of(size(), trainOrder.width(rows(iteration, micro)));
  }

  @Override
  public Object shape(Split split, int index) {
    return Shape.of(size(), order(split).width(order(split).fixedRows(index)));
  }

  /** Returns tokens (B, T), which of all positions are scored (B), and the labels (B). */
  @Override
  public List<Tensor> allocate(Region region, Object shape) {
    Shape one = Shape.of(size());
    return List.of(
        region.allocate(DType.I32, (Shape) shape),
        region.allocate(DType.I32, one),
        region.allocate(DType.I32, one));
  }

  @Override
  public int fill(List<Tensor> inputs, int iteration, int micro) {
    return fill(inputs, train, trainOrder, rows(iteration, micro));
  }

  @Override
  public int fill(List<Tensor> inputs, Split split, int index) {
    return fillInOrder(inputs, split, index);
  }

  @Override
  public long batchesInOrder(Split split) {
    return order(split).perEpoch();
  }

  @Override
  public int fillInOrder(List<Tensor> inputs, Split split, long index) {
    LengthBatches order = order(split);
    return fill(inputs, split == Split.TRAIN ? train : valid, order, order.fixedRows(index));
  }

  private int fill(
      List<Tensor> inputs, List<LabelledTokens> texts, LengthBatches order, int... rows) {
    ClassifierConfig shape = model.config();
    int width = order.width(rows);
    int[] ids = new int[size() * width];
    Arrays.fill(ids, Math.max(0, shape.padToken()));
    int[] scored = new int[size()];
    int[] labels = new int[size()];
    Arrays.fill(labels, BatchSampler.IGNORED);
    for (int row = 0; row < rows.length; row++) {
      LabelledTokens text = texts.get(rows[row]);
      System.arraycopy(text.ids(), 0, ids, row * width, text.ids().length);
      scored[row] = row * width + shape.scoredToken(text.ids());
      labels[row] = text.label();
    }
    inputs.get(0).set(ids);
    inputs.get(1).set(scored);
    inputs.get(2).set(labels);
    return rows.length;
  }

  @Override
  public Tensor loss(Ops ops, List<Tensor> inputs) {
    return ops.linearCrossEntropy(
        ops.rows(model.hidden(ops, inputs.get(0)), inputs.get(1)),
        model.score().weight(),
        model.score().bias(),
        inputs.get(2),
        0);
  }

  @Override
  public boolean hasEqualWeights() {
    return false;
  }
}

package jambic.train.objective;

import jambic.model.LanguageModel;
import jambic.model.io.ErrorText;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Philox;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset.Split;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongFunction;

/**
 * Predicts the answers of examples, not their prompts: supervised fine-tuning. A row of a batch is
 * one example, padded on the right; targets inside the prompt and in the padding do not count.
 *
 * <p>Each epoch goes through all examples, in an order that the seed and the epoch's number decide.
 */
public final class AnswerPrediction implements Objective {
  private static final int SHUFFLE = 0x41_4E_53_00; // a stream of Philox of its own

  /**
   * A prompt and its answer.
   *
   * @param ids the tokens of both
   * @param answer index of the answer's first token, from 1 to the number of ids; there, the answer
   *     is empty and adds nothing to the loss
   */
  public record Example(int[] ids, int answer) {
    /**
     * Checks the bounds.
     *
     * @throws JambicException if no token precedes the answer, or it begins past the end
     */
    public Example {
      if (answer < 1 || answer > ids.length) {
        throw new JambicException(
            Text.format(
                "an answer must begin at an index from 1 to the %d tokens of its example, got %d",
                ids.length, answer));
      }
    }

    private int targets(int blockSize) {
      return Math.max(0, Math.min(ids.length, blockSize + 1) - answer);
    }
  }

  private final LanguageModel model;
  private final List<Example> train;
  private final List<Example> val;
  private final int batchSize;
  private final int blockSize;
  private final int microSteps;
  private final long seed;
  private final int[] x; // (B, T)
  private final int[] y; // (B, T)
  private final int[] order; // of the training examples, in the epoch of orderedEpoch
  private long orderedEpoch = -1;

  /**
   * Trains a model on examples.
   *
   * @param model the model
   * @param train the examples to train on
   * @param val those held back
   * @param batchSize B, examples of a batch
   * @param blockSize T; of longer examples the end is cut off
   * @param microSteps batches of an iteration
   * @param seed decides the order
   * @throws JambicException if no answer of a list fits into the context
   */
  public AnswerPrediction(
      LanguageModel model,
      List<Example> train,
      List<Example> val,
      int batchSize,
      int blockSize,
      int microSteps,
      long seed) {
    requireAnswers("train", train, blockSize);
    requireAnswers("val", val, blockSize);
    this.model = model;
    this.train = List.copyOf(train);
    this.val = List.copyOf(val);
    this.batchSize = batchSize;
    this.blockSize = blockSize;
    this.microSteps = microSteps;
    this.seed = seed;
    x = new int[batchSize * blockSize];
    y = new int[x.length];
    order = new int[train.size()];
  }

  private static void requireAnswers(String part, List<Example> examples, int blockSize) {
    if (examples.stream().noneMatch(example -> example.targets(blockSize) > 0)) {
      throw new JambicException(
          Text.format(
              "the %s part has %s, but none with an answer within the context of %d tokens; use a"
                  + " larger context or shorter prompts",
              part, ErrorText.count(examples.size(), "example"), blockSize));
    }
  }

  @Override
  public List<Tensor> allocate(Region region, Object oneShape) {
    Shape shape = Shape.of(batchSize, blockSize);
    return List.of(region.allocate(DType.I32, shape), region.allocate(DType.I32, shape));
  }

  @Override
  public int fill(List<Tensor> inputs, int iteration, int micro) {
    long first = ((long) iteration * microSteps + micro) * batchSize;
    return fill(inputs, first, Long.MAX_VALUE, this::shuffled);
  }

  @Override
  public int fill(List<Tensor> inputs, Split split, int index) {
    List<Example> examples = of(split);
    long first = (long) index * batchSize;
    return fill(inputs, first, Long.MAX_VALUE, at -> examples.get((int) (at % examples.size())));
  }

  @Override
  public long batchesInOrder(Split split) {
    return Math.ceilDiv(of(split).size(), batchSize);
  }

  @Override
  public int fillInOrder(List<Tensor> inputs, Split split, long index) {
    List<Example> examples = of(split);
    return fill(inputs, index * batchSize, examples.size(), at -> examples.get((int) at));
  }

  private List<Example> of(Split split) {
    return split == Split.TRAIN ? train : val;
  }

  private Example shuffled(long at) {
    shuffle(at / train.size());
    return train.get(order[(int) (at % train.size())]);
  }

  /** Fills in the examples from {@code first} on, those from {@code end} on left out. */
  private int fill(List<Tensor> inputs, long first, long end, LongFunction<Example> examples) {
    Arrays.fill(x, 0);
    Arrays.fill(y, BatchSampler.IGNORED);
    int targets = 0;
    for (int row = 0; row < batchSize && first + row < end; row++) {
      targets += put(row, examples.apply(first + row));
    }
    inputs.get(0).set(x);
    inputs.get(1).set(y);
    return targets;
  }

  /** Puts an example into a row of x and y, and returns how many of its targets count. */
  private int put(int row, Example example) {
    int[] ids = example.ids();
    int length = Math.min(ids.length - 1, blockSize);
    System.arraycopy(ids, 0, x, row * blockSize, length);
    for (int t = example.answer() - 1; t < length; t++) {
      y[row * blockSize + t] = ids[t + 1];
    }
    return example.targets(blockSize);
  }

  /** Orders the training examples for an epoch (Fisher and Yates). */
  private void shuffle(long epoch) {
    if (epoch == orderedEpoch) {
      return;
    }
    orderedEpoch = epoch;
    int[] words = new int[4];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    for (int i = order.length - 1; i > 0; i--) {
      Philox.block(words, seed, i, (int) epoch, (int) (epoch >>> 32), SHUFFLE);
      long bits = (long) words[0] << 32 | words[1] & 0xFFFFFFFFL;
      int j = (int) Math.unsignedMultiplyHigh(bits, i + 1L);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }

  @Override
  public Tensor loss(Ops ops, List<Tensor> inputs) {
    return model.loss(ops, inputs.get(0), inputs.get(1));
  }

  @Override
  public boolean hasEqualWeights() {
    return false;
  }
}

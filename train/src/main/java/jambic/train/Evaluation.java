package jambic.train;

import jambic.model.Gpt;
import jambic.tensor.DType;
import jambic.tensor.Eager;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import jambic.train.Dataset.Split;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/** Measures the loss of a model without training it. Recorded once, replayed for every batch. */
public final class Evaluation {
  private final Batches batches;
  private final Tensor ids; // I32 (B, T)
  private final Tensor targets; // I32 (B, T)
  private final int[] x;
  private final int[] y;
  private final Tensor loss;
  private final Program forward;

  /**
   * An evaluation of a model.
   *
   * @param model the model
   * @param batches the data
   * @param batchSize sequences of a batch, the one of {@code batches}
   * @param blockSize tokens of a sequence, the one of {@code batches}
   * @param region holds activations while an evaluation runs; between runs others may overwrite it
   */
  public Evaluation(Gpt model, Batches batches, int batchSize, int blockSize, Region region) {
    this.batches = batches;
    region.rewind();
    Shape shape = Shape.of(batchSize, blockSize);
    ids = region.allocate(DType.I32, shape);
    targets = region.allocate(DType.I32, shape);
    x = new int[(int) shape.size()];
    y = new int[(int) shape.size()];
    ids.set(x);
    targets.set(y);
    Eager ops = new Eager(model.backend(), region);
    loss = model.loss(ops, ids, targets);
    forward = ops.program();
  }

  /**
   * The mean loss of random batches, the same ones every time.
   *
   * @param split which part of the dataset
   * @param count how many batches
   * @return nats a token
   */
  public double estimate(Split split, int count) {
    return estimate(split, count, () -> true).orElseThrow();
  }

  /**
   * The same, unless someone gives it up on the way.
   *
   * @param split which part of the dataset
   * @param count how many batches
   * @param goOn asked before each batch
   * @return nats a token, empty if it was given up
   */
  public OptionalDouble estimate(Split split, int count, BooleanSupplier goOn) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      if (!goOn.getAsBoolean()) {
        return OptionalDouble.empty();
      }
      batches.evaluation(split, i, x, y);
      sum += run();
    }
    return OptionalDouble.of(sum / count);
  }

  /**
   * The mean loss over a whole split, each of its tokens predicted once, from the context that its
   * window holds.
   *
   * @param split which part of the dataset
   * @return nats a token
   */
  public double whole(Split split) {
    double sum = 0;
    long tokens = 0;
    for (long i = 0; i < batches.sequentialCount(split); i++) {
      int count = batches.sequential(split, i, x, y);
      sum += run() * count;
      tokens += count;
    }
    return sum / tokens;
  }

  private double run() {
    ids.set(x);
    targets.set(y);
    forward.run();
    return loss.toFloats()[0];
  }
}

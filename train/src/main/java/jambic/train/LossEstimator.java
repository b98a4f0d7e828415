package jambic.train;

import jambic.tensor.InferenceOps;
import jambic.tensor.Program;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.Objective;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/** Measures the loss of a model without training it. Recorded once, replayed for every batch. */
public final class LossEstimator {
  private final Objective objective;
  private final List<Tensor> inputs;
  private final Tensor loss;
  private final Program forward;

  /**
   * Records the forward pass.
   *
   * @param backend where it computes
   * @param objective batches and loss
   * @param region holds activations while an estimate runs; between runs others may overwrite it
   */
  public LossEstimator(Backend backend, Objective objective, Region region) {
    this.objective = objective;
    region.rewind();
    inputs = objective.allocate(region);
    objective.fill(inputs, Split.TRAIN, 0);
    InferenceOps ops = new InferenceOps(backend, region);
    loss = objective.loss(ops, inputs);
    forward = ops.program();
  }

  /**
   * Estimates the mean loss by random batches, the same ones every time.
   *
   * @param split which part of the data
   * @param count how many batches
   * @return the mean over all that counts in them
   */
  public double estimate(Split split, int count) {
    return estimate(split, count, () -> true).orElseThrow();
  }

  /**
   * Estimates the mean loss unless it is stopped on the way.
   *
   * @param split which part of the data
   * @param count how many batches
   * @param goOn asked before each batch
   * @return the mean over all that counts in them, empty if it was stopped
   */
  public OptionalDouble estimate(Split split, int count, BooleanSupplier goOn) {
    double sum = 0;
    double weights = 0;
    for (int i = 0; i < count; i++) {
      if (!goOn.getAsBoolean()) {
        return OptionalDouble.empty();
      }
      int weight = objective.fill(inputs, split, i);
      double share = objective.hasEqualWeights() ? 1 : weight;
      if (share > 0) {
        sum += run() * share;
        weights += share;
      }
    }
    return OptionalDouble.of(sum / weights);
  }

  /**
   * Measures the mean loss over a whole split, on which each target counts once.
   *
   * @param split which part of the data
   * @return the mean over all that counts
   */
  public double whole(Split split) {
    double sum = 0;
    long weights = 0;
    for (long i = 0; i < objective.batchesInOrder(split); i++) {
      int weight = objective.fillInOrder(inputs, split, i);
      if (weight > 0) {
        sum += run() * weight;
        weights += weight;
      }
    }
    return sum / weights;
  }

  private double run() {
    forward.run();
    return loss.toFloats()[0];
  }
}

package jambic.train;

import jambic.tensor.InferenceOps;
import jambic.tensor.Program;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.Objective;
import jambic.train.parallel.DataParallel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * Measures the loss of a model without training it. Recorded once for batches of a shape, replayed
 * for every other.
 */
public final class LossEstimator {
  private final Backend backend;
  private final Objective objective;
  private final Region region;
  private final DataParallel ranks;
  private final Map<Object, Pass> passes = new HashMap<>(); // by the shape of their batches

  private record Pass(List<Tensor> inputs, Tensor loss, Program forward) {
    double run() {
      forward.run();
      return loss.toFloats()[0];
    }
  }

  /**
   * Records the forward pass of the first batch.
   *
   * @param backend where it computes
   * @param objective batches and loss
   * @param region holds activations while an estimate runs; between runs others may overwrite it
   */
  public LossEstimator(Backend backend, Objective objective, Region region) {
    this(backend, objective, region, DataParallel.alone());
  }

  /**
   * Records the forward pass of the first batch, on one of the ranks that share an estimate.
   *
   * @param backend where it computes
   * @param objective batches and loss
   * @param region holds activations while an estimate runs; between runs others may overwrite it
   * @param ranks of which each measures some of the batches; all return the same
   */
  public LossEstimator(Backend backend, Objective objective, Region region, DataParallel ranks) {
    this.ranks = ranks;
    this.backend = backend;
    this.objective = objective;
    this.region = region;
    pass(Split.TRAIN, 0);
  }

  private Pass pass(Split split, int index) {
    Object shape = objective.shape(split, index);
    Pass known = passes.get(shape);
    if (known != null) {
      return known;
    }
    region.rewind(); // those of other shapes lie in the same memory
    List<Tensor> inputs = objective.allocate(region, shape);
    objective.fill(inputs, split, index);
    InferenceOps ops = new InferenceOps(backend, region);
    Tensor loss = objective.loss(ops, inputs);
    Pass pass = new Pass(inputs, loss, ops.program());
    passes.put(shape, pass);
    return pass;
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
   * @param goOn asked before each batch, or as many of them as there are ranks
   * @return the mean over all that counts in them, empty if it was stopped
   */
  public OptionalDouble estimate(Split split, int count, BooleanSupplier goOn) {
    Mean mean = new Mean();
    for (int first = 0; first < count; first += ranks.size()) {
      if (!goOn.getAsBoolean()) {
        return OptionalDouble.empty();
      }
      int mine = first + ranks.rank();
      boolean any = mine < count;
      mean.add(any ? measure(split, mine) : new Measured(0, 0));
    }
    return OptionalDouble.of(mean.value());
  }

  /** A batch's loss, and how much it counts. */
  private record Measured(double loss, double weight) {}

  private Measured measure(Split split, int index) {
    Pass pass = pass(split, index);
    int weight = objective.fill(pass.inputs(), split, index);
    double share = objective.hasEqualWeights() ? 1 : weight;
    return new Measured(share > 0 ? pass.run() : 0, share);
  }

  /** Adds up the batches of all ranks in their order, so that it does not matter who measured. */
  private final class Mean {
    private double sum;
    private double weights;

    void add(Measured mine) {
      double[] all = ranks.gather(mine.loss, mine.weight);
      for (int i = 0; i < all.length; i += 2) {
        if (all[i + 1] > 0) {
          sum += all[i] * all[i + 1];
          weights += all[i + 1];
        }
      }
    }

    double value() {
      return sum / weights;
    }
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
      Pass pass = pass(split, (int) i);
      int weight = objective.fillInOrder(pass.inputs(), split, i);
      if (weight > 0) {
        sum += pass.run() * weight;
        weights += weight;
      }
    }
    return sum / weights;
  }
}

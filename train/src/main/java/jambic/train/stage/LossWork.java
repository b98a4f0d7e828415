package jambic.train.stage;

import jambic.model.Model;
import jambic.train.LossEstimator;
import jambic.train.Training;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.Objective;
import jambic.train.optim.Moment;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.IntToLongFunction;

/** Minimizes the loss of an {@link Objective}: supervised fine-tuning, and classification. */
public final class LossWork implements StageWork {
  /** Numbers of an evaluation besides the losses. */
  @FunctionalInterface
  public interface Quality {
    /**
     * Measures the model as it is.
     *
     * @param listener hears of progress
     * @return numbers by name
     */
    Map<String, Double> measure(RunListener listener);

    /**
     * Tells which of two evaluations is of the better model.
     *
     * @param measured an evaluation, with these numbers
     * @return what the better one has less of: the validation loss
     */
    default double criterion(Metrics.Evaluation measured) {
      return measured.valLoss();
    }
  }

  private final StageConfig config;
  private final Objective objective;
  private final Training training;
  private final LossEstimator estimator;
  private final Divergence divergence;
  private final Quality quality;
  private final IntToLongFunction targets;

  /**
   * Prepares the training of a model.
   *
   * @param model what is trained
   * @param config every hyperparameter
   * @param objective batches and loss
   * @param targets of an iteration, to tell the speed
   * @param worst the largest loss of a run that may still come back
   * @param quality what else evaluations measure
   */
  public LossWork(
      Model model,
      StageConfig config,
      Objective objective,
      IntToLongFunction targets,
      double worst,
      Quality quality) {
    this(model, config, objective, targets, worst, quality, DataParallel.alone());
  }

  /**
   * Prepares a rank's part of the training of a model.
   *
   * @param model what is trained
   * @param config every hyperparameter
   * @param objective batches and loss
   * @param targets of an iteration, to tell the speed
   * @param worst the largest loss of a run that may still come back
   * @param quality what else evaluations measure; each rank measures the same
   * @param ranks that train together
   */
  public LossWork(
      Model model,
      StageConfig config,
      Objective objective,
      IntToLongFunction targets,
      double worst,
      Quality quality,
      DataParallel ranks) {
    this.targets = targets;
    this.config = config;
    this.objective = objective;
    this.quality = quality;
    training = new Training(model, config, objective, ranks);
    estimator = new LossEstimator(model.backend(), objective, training.activations(), ranks);
    divergence = new Divergence(worst);
  }

  @Override
  public boolean isShareable() {
    return true;
  }

  @Override
  public Map<String, Moment> moments() {
    return training.moments();
  }

  @Override
  public Optional<Metrics.Evaluation> evaluate(
      int iteration, RunListener listener, BooleanSupplier stop) {
    OptionalDouble train = estimate(Split.TRAIN, iteration, listener, stop);
    OptionalDouble val = train.isEmpty() ? train : estimate(Split.VAL, iteration, listener, stop);
    if (val.isEmpty()) {
      return Optional.empty();
    }
    divergence.require(val.getAsDouble(), "validation loss", iteration);
    return Optional.of(
        new Metrics.Evaluation(
            iteration,
            train.getAsDouble(),
            val.getAsDouble(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            quality.measure(listener)));
  }

  @Override
  public double criterion(Metrics.Evaluation measured) {
    return quality.criterion(measured);
  }

  private OptionalDouble estimate(
      Split split, int iteration, RunListener listener, BooleanSupplier stop) {
    int count = batches(split);
    int before = split == Split.TRAIN ? 0 : batches(Split.TRAIN);
    int all = batches(Split.TRAIN) + batches(Split.VAL);
    int[] done = {0};
    return estimator.estimate(
        split,
        count,
        () -> {
          listener.onEvaluationBatch(iteration, before + done[0]++, all);
          return !stop.getAsBoolean();
        });
  }

  /** A split that is smaller than the estimate is read once. */
  private int batches(Split split) {
    return (int) Math.min(config.run().evalIters(), objective.batchesInOrder(split));
  }

  @Override
  public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    double lr = config.optimizer().rates().at(iteration);
    OptionalDouble done = training.step().run(iteration, lr, stop);
    if (done.isEmpty()) {
      return Optional.empty();
    }
    double norm = training.clip().norm().toFloats()[0];
    divergence.require(done.getAsDouble(), "loss", iteration);
    divergence.requireFinite(norm, "gradient norm", iteration);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return Optional.of(
        new Metrics.Step(
            iteration,
            done.getAsDouble(),
            lr,
            norm,
            seconds * 1e3,
            targets.applyAsLong(iteration) / seconds,
            OptionalDouble.empty(),
            training.step().numbers()));
  }

  @Override
  public void close() {
    training.close();
  }
}

package jambic.train;

import jambic.model.Model;
import jambic.model.nn.Parameters;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.config.RunConfig;
import jambic.train.objective.Objective;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Moment;
import jambic.train.optim.Optimizer;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.GradientSum;
import java.util.SequencedMap;

/**
 * What trains a model, put together as a configuration says: gradients, clipping, optimizer and the
 * step over an objective. Owns their memory, not the model.
 */
public final class Training implements AutoCloseable {
  private final Region gradients;
  private final Region state;
  private final Region activations;
  private final GradientClip clip;
  private final Optimizer optimizer;
  private final TrainingStep step;

  /**
   * Puts it together; the model's trained parameters have gradients from now on.
   *
   * @param model what is trained
   * @param config which part of it, by which optimizer, and with how many micro batches
   * @param objective batches of the configuration's size, and their loss
   * @throws jambic.train.config.HyperparameterException if there is nothing to train
   */
  public Training(Model model, RunConfig config, Objective objective) {
    this(model, config, objective, DataParallel.alone());
  }

  /**
   * Puts together a rank's part of it.
   *
   * @param model what is trained, with the same weights on all ranks
   * @param config which part of it, by which optimizer, and with how many micro batches of all
   *     ranks
   * @param objective batches of the configuration's size, and their loss
   * @param ranks that share the micro batches
   * @throws jambic.train.config.HyperparameterException if there is nothing to train
   * @throws jambic.tensor.JambicException if the ranks cannot share the micro batches
   */
  public Training(Model model, RunConfig config, Objective objective, DataParallel ranks) {
    ranks.share(config.gradientAccumulationSteps());
    Backend backend = model.backend();
    gradients = backend.region();
    state = backend.region();
    activations = backend.region();
    Parameters trained = config.train(model, gradients);
    clip = new GradientClip(backend, state, trained.tensors(), config.optimizer().gradClip());
    GradientSum sum =
        new GradientSum(
            ranks, backend, gradients, clip.gradients(), config.gradientAccumulationSteps());
    optimizer = config.optimizer().create(backend, state, trained.byName(), clip, sum);
    step = new TrainingStep(backend, objective, optimizer, clip, sum, config.seed(), activations);
  }

  /**
   * One iteration.
   *
   * @return the step, to be run with the iteration's number and learning rate
   */
  public TrainingStep step() {
    return step;
  }

  /**
   * The norm of the last iteration's gradient, and its limit.
   *
   * @return the clipping
   */
  public GradientClip clip() {
    return clip;
  }

  /**
   * What updates the parameters.
   *
   * @return the optimizer, whose state a checkpoint holds
   */
  public Optimizer optimizer() {
    return optimizer;
  }

  /**
   * What the optimizer keeps from one update to the next, which a checkpoint holds.
   *
   * @return moments by name, the same ones every time
   */
  public SequencedMap<String, Moment> moments() {
    return optimizer.moments();
  }

  /**
   * Where a step keeps what it computes; between steps an evaluation may use it.
   *
   * @return the region
   */
  public Region activations() {
    return activations;
  }

  /**
   * The memory that was taken so far.
   *
   * @return bytes
   */
  public long bytes() {
    return gradients.bytes() + state.bytes() + activations.bytes();
  }

  /** Frees gradients, the optimizer's state and activations. */
  @Override
  public void close() {
    activations.close();
    state.close();
    gradients.close();
  }
}

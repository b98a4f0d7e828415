package jambic.train.stage;

import jambic.model.Model;
import jambic.model.classifier.GptClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.config.OptimizerSettings;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Moment;
import jambic.train.optim.Optimizer;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.GradientSum;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Gradients of a model's trained parameters, and the update that they lead to, for stages without
 * dropout: with it, the first ratio of PPO would not be 1, nor a policy its own reference.
 */
public final class ParameterUpdate implements AutoCloseable {
  private final Region gradients;
  private final Region state;
  private final GradientClip clip;
  private final GradientSum sum;
  private final Optimizer optimizer;
  private final Program clear;
  private final Program update;

  /**
   * Gives gradients to what is trained.
   *
   * @param model the model
   * @param train does that, as {@link jambic.train.config.RunConfig#train}
   * @param settings of the optimizer
   * @throws JambicException if the model has dropout
   */
  public ParameterUpdate(
      Model model, BiFunction<Model, Region, Parameters> train, OptimizerSettings settings) {
    this(model, train, settings, DataParallel.alone(), 1);
  }

  /**
   * Gives gradients to a rank's part of what is trained.
   *
   * @param model the model
   * @param train does that, as {@link jambic.train.config.RunConfig#train}
   * @param settings of the optimizer
   * @param ranks that train together
   * @param microBatches of an update, of all ranks; 1 where their gradients are added in place
   * @throws JambicException if the model has dropout, or ranks cannot share the micro batches
   */
  ParameterUpdate(
      Model model,
      BiFunction<Model, Region, Parameters> train,
      OptimizerSettings settings,
      DataParallel ranks,
      int microBatches) {
    this(model.backend(), region -> train.apply(model, region), settings, ranks, microBatches);
    requireWithoutDropout(model);
  }

  /**
   * Gives gradients to parameters without a model around them.
   *
   * @param backend where they lie
   * @param train gives gradients in a region to what it returns
   * @param settings of the optimizer
   */
  public ParameterUpdate(
      Backend backend, Function<Region, Parameters> train, OptimizerSettings settings) {
    this(backend, train, settings, DataParallel.alone(), 1);
  }

  private ParameterUpdate(
      Backend backend,
      Function<Region, Parameters> train,
      OptimizerSettings settings,
      DataParallel ranks,
      int microBatches) {
    ranks.share(microBatches); // refused before anything is allocated
    gradients = backend.region();
    state = backend.region();
    Parameters trained = train.apply(gradients);
    clip = new GradientClip(backend, state, trained.tensors(), settings.gradClip());
    sum = new GradientSum(ranks, backend, gradients, clip.gradients(), microBatches);
    optimizer = settings.create(backend, state, trained.byName(), clip, sum);
    clear = backend.capture(clip::zeroGradients);
    update =
        backend.capture(() -> {
          clip.computeNorm();
          optimizer.update();
        });
  }

  static void requireWithoutDropout(Model model) {
    Optional<GptConfig> shape =
        switch (model) {
          case Gpt gpt -> Optional.of(gpt.config());
          case GptClassifier classifier -> Optional.of(classifier.config().body());
          default -> Optional.empty();
        };
    if (shape.filter(s -> !s.equals(s.withDropout(0, 0))).isPresent()) {
      throw new JambicException(
          "this stage trains a model without dropout, and the model has some; make it with"
              + " GptConfig.withDropout(0, 0)");
    }
  }

  /**
   * The sum of the gradients of an update's micro batches.
   *
   * @return the sum, which {@link #apply} waits for
   */
  GradientSum sum() {
    return sum;
  }

  /** Clears the gradients, before backward passes add to them. */
  public void clear() {
    clear.run();
  }

  /**
   * Updates the parameters.
   *
   * @param t which update it is, from 1
   * @param lr the learning rate
   * @return the norm of the gradients before clipping
   */
  public double apply(int t, double lr) {
    optimizer.prepare(t, lr);
    sum.await();
    if (optimizer.isSharded()) {
      optimizer.update();
    } else {
      sum.gather();
      update.run();
    }
    return clip.norm().toFloats()[0];
  }

  /**
   * Returns what the optimizer keeps from one update to the next.
   *
   * @return tensors by name
   */
  public SequencedMap<String, Tensor> state() {
    return optimizer.state();
  }

  /**
   * The same as a checkpoint holds it.
   *
   * @return moments by name, whole
   */
  SequencedMap<String, Moment> moments() {
    return optimizer.moments();
  }

  /** Frees gradients and the optimizer's state. */
  @Override
  public void close() {
    state.close();
    gradients.close();
  }
}

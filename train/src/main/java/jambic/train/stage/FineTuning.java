package jambic.train.stage;

import jambic.model.ConfigMessage.Name;
import jambic.train.config.BatchSettings;
import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.config.OptimizerSettings;
import jambic.train.config.RunSettings;
import jambic.train.config.ScheduleSettings;
import jambic.train.config.TuningSettings;
import java.util.Map;

/**
 * What all stages of alignment have in common.
 *
 * @param maxLength the longest prompt with its answer, in tokens; 0 for the model's context
 * @param batch how much an update learns from; a batch is of examples, pairs or prompts
 * @param run how long the run is, and when it evaluates and saves
 * @param optimizer what updates the parameters
 * @param tuning which part of the model is trained
 * @param seed what makes batches, answers and dropout these and no others
 */
public record FineTuning(
    @Hyperparameter("longest prompt with its answer, in tokens; 0 for the model's context")
        int maxLength,
    BatchSettings batch,
    RunSettings run,
    OptimizerSettings optimizer,
    TuningSettings tuning,
    @Hyperparameter("makes batches, answers and dropout these and no others") long seed) {

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public FineTuning {
    Bounds.atLeast("maxLength", maxLength, 0);
    Bounds.check(
        maxLength != 1, "%s must leave room for a prompt and an answer", new Name("maxLength"));
  }

  /**
   * Returns what the stages begin with: AdamW without decay, gradients of a norm of at most 1, and
   * a rate that falls to a tenth on a cosine (Ouyang et al., 2022, appendix C).
   *
   * @param learningRate the peak of the learning rate
   * @param batchSize examples, pairs or prompts of a batch
   * @return the settings, for a run whose length {@link #lasting} decides
   */
  public static FineTuning of(double learningRate, int batchSize) {
    return new FineTuning(
        0,
        new BatchSettings(batchSize, 1),
        new RunSettings(100, 50, 20, true, 0),
        OptimizerSettings.adamW(
            learningRate,
            new ScheduleSettings(true, ScheduleSettings.Decay.COSINE, learningRate / 10, 3, 100)),
        TuningSettings.ALL,
        1337);
  }

  /**
   * Returns the values by name that make a run of these settings last for epochs: updates, warm-up
   * over the first of thirty, and ten evaluations.
   *
   * @param epochs how often each example is seen
   * @param examples how many there are
   * @param learningRate the peak of the rate
   * @return values for {@link jambic.train.config.FlatRecord#with}
   * @throws jambic.train.config.HyperparameterException if there would be too many updates
   */
  public Map<String, Object> lasting(double epochs, long examples, double learningRate) {
    long perUpdate = (long) batch.batchSize() * batch.gradientAccumulationSteps();
    double updates = Math.ceil(epochs * examples / perUpdate);
    Bounds.check(
        updates <= Integer.MAX_VALUE,
        "%s would be %s; take fewer epochs",
        new Name("maxIters"),
        updates);
    int iters = (int) Math.max(1, updates);
    return Map.of(
        "maxIters",
        iters,
        "lrDecayIters",
        iters,
        "warmupIters",
        iters / 30,
        "minLr",
        learningRate / 10,
        "evalInterval",
        Math.max(1, Math.ceilDiv(iters, 10)));
  }

  /**
   * Refuses several batches behind an update, where minibatches say the same.
   *
   * @throws jambic.train.config.HyperparameterException if there are several
   */
  public void requireWithoutAccumulation() {
    Bounds.check(
        batch.gradientAccumulationSteps() == 1,
        "%s (%d) must be 1: an update is made of one of %s parts of the answers",
        new Name("gradientAccumulationSteps"),
        batch.gradientAccumulationSteps(),
        new Name("numMiniBatches"));
  }

  /**
   * Refuses to save only what has a lower validation loss, where there is none.
   *
   * @throws jambic.train.config.HyperparameterException if that is asked for
   */
  public void requireSavingAlways() {
    Bounds.check(
        run.alwaysSaveCheckpoint(),
        "%s must be true: a policy has no validation loss to be better by",
        new Name("alwaysSaveCheckpoint"));
  }

  /**
   * Refuses adapters, which classifiers and reward models do not have.
   *
   * @throws jambic.train.config.HyperparameterException if they are asked for
   */
  public void requireWithoutAdapters() {
    Bounds.check(
        tuning.loraRank() == 0,
        "%s (%d) must be 0: classifiers and reward models have no adapters",
        new Name("loraRank"),
        tuning.loraRank());
  }

  /**
   * Returns the longest sequence of a model.
   *
   * @param context the model's context
   * @return tokens
   * @throws jambic.train.config.HyperparameterException if the context is shorter than what is
   *     asked for
   */
  public int lengthWithin(int context) {
    Bounds.check(
        maxLength <= context,
        "%s (%d) must not exceed the model's context of %d tokens",
        new Name("maxLength"),
        maxLength,
        context);
    return maxLength == 0 ? context : maxLength;
  }
}

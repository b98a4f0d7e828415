package jambic.train.config;

/**
 * How much an update learns from.
 *
 * @param batchSize windows in a micro batch
 * @param gradientAccumulationSteps micro batches behind one update
 */
public record BatchSettings(
    @Hyperparameter("windows of text in a batch") int batchSize,
    @Hyperparameter("batches behind one update") int gradientAccumulationSteps) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public BatchSettings {
    Bounds.atLeast("batchSize", batchSize, 1);
    Bounds.atLeast("gradientAccumulationSteps", gradientAccumulationSteps, 1);
  }
}

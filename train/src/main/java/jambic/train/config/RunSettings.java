package jambic.train.config;

/**
 * How long a run is, and when it evaluates and saves.
 *
 * @param maxIters updates of the whole run
 * @param evalInterval updates from one evaluation to the next
 * @param evalIters batches of each split in an evaluation
 * @param alwaysSaveCheckpoint whether every evaluation saves; else only one with a lower validation
 *     loss than before does, and a stop
 * @param average how many of the last evaluations have their weights kept, and averaged at the end
 */
public record RunSettings(
    @Hyperparameter("updates of the whole run") int maxIters,
    @Hyperparameter("updates from one evaluation to the next") int evalInterval,
    @Hyperparameter("batches of each split in an evaluation") int evalIters,
    @Hyperparameter(
            value = "whether every evaluation saves, or only one better than before",
            former = "true")
        boolean alwaysSaveCheckpoint,
    @Hyperparameter(
            value = "last evaluations whose weights are kept and averaged at the end; 0 for none",
            former = "0")
        int average) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public RunSettings {
    Bounds.atLeast("maxIters", maxIters, 1);
    Bounds.atLeast("evalInterval", evalInterval, 1);
    Bounds.atLeast("evalIters", evalIters, 1);
    Bounds.atLeast("average", average, 0);
  }
}

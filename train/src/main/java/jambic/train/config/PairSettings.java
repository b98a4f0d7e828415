package jambic.train.config;

/**
 * How much of the pairs an update learns from, and how.
 *
 * @param batchTokens tokens of a side in a batch at most, padding included
 * @param gradientAccumulationSteps micro batches behind one update
 * @param labelSmoothing the probability that is spread over all tokens (Szegedy et al., 2016)
 * @param vocabSize tokens to learn of the texts of both sides, where no tokenizer is given
 */
public record PairSettings(
    @Hyperparameter("tokens of a side in a batch at most, padding included") int batchTokens,
    @Hyperparameter("batches behind one update") int gradientAccumulationSteps,
    @Hyperparameter("label smoothing: probability spread over all tokens") double labelSmoothing,
    @Hyperparameter("tokens of the vocabulary to learn of both sides") int vocabSize) {

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public PairSettings {
    Bounds.atLeast("batchTokens", batchTokens, 1);
    Bounds.atLeast("gradientAccumulationSteps", gradientAccumulationSteps, 1);
    Bounds.inUnitInterval("labelSmoothing", labelSmoothing);
    Bounds.atLeast("vocabSize", vocabSize, 260);
  }
}

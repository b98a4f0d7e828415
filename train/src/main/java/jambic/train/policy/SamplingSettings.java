package jambic.train.policy;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;

/**
 * How a policy answers while it learns: from all of the vocabulary, so that training sees the
 * probabilities that answers were drawn with.
 *
 * @param temperature what scores are divided by, in drawing and in training
 * @param responseLength the longest answer in tokens, its end included
 * @param missingEosPenalty what an answer loses that does not end by itself
 */
public record SamplingSettings(
    @Hyperparameter("what scores are divided by, in drawing and in training") double temperature,
    @Hyperparameter("longest answer in tokens, its end included") int responseLength,
    @Hyperparameter("what an answer loses that does not end by itself") double missingEosPenalty) {

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public SamplingSettings {
    Bounds.finiteAndPositive("temperature", temperature);
    Bounds.atLeast("responseLength", responseLength, 1);
    Bounds.finiteAndNotNegative("missingEosPenalty", missingEosPenalty);
  }
}

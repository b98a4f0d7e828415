package jambic.train.classify;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of training a classifier.
 *
 * @param common what all stages have; a batch is of texts
 * @param dropout share of numbers that are dropped, as in pre-training
 */
public record ClassifyConfig(
    FineTuning common,
    @Hyperparameter("share of numbers that are dropped while training") double dropout)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "classify";

  /** As GPT-1 was fine-tuned (Radford et al., 2018), without its auxiliary loss. */
  public static final ClassifyConfig DEFAULTS = new ClassifyConfig(FineTuning.of(6.25e-5, 32), 0.1);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public ClassifyConfig {
    common.requireWithoutAdapters();
    Bounds.inUnitInterval("dropout", dropout);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

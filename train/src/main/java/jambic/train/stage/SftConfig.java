package jambic.train.stage;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;

/**
 * Every hyperparameter of supervised fine-tuning.
 *
 * @param common what all stages have
 * @param dropout share of numbers that are dropped, as in pre-training
 */
public record SftConfig(
    FineTuning common,
    @Hyperparameter("share of numbers that are dropped while training") double dropout)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "sft";

  /** TRL's defaults where it has them: see {@link FineTuning#of}. */
  public static final SftConfig DEFAULTS = new SftConfig(FineTuning.of(2e-5, 8), 0);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public SftConfig {
    Bounds.inUnitInterval("dropout", dropout);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

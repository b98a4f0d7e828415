package jambic.train.stage;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;

/**
 * Every hyperparameter of supervised fine-tuning.
 *
 * @param common what all stages have
 * @param dropout share of numbers that are dropped, as in pre-training
 * @param packing whether a batch is as many examples as its contexts have room for, side by side
 *     without padding; none sees another
 */
public record SftConfig(
    FineTuning common,
    @Hyperparameter("share of numbers that are dropped while training") double dropout,
    @Hyperparameter(
            value =
                "pack examples side by side: a batch is what fits into --batch-size contexts; none sees another",
            former = "false")
        boolean packing)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "sft";

  /** TRL's defaults where it has them: see {@link FineTuning#of}. */
  public static final SftConfig DEFAULTS = new SftConfig(FineTuning.of(2e-5, 8), 0, false);

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

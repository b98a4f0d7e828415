package jambic.train.preference;

import jambic.model.ConfigMessage.Name;
import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of direct preference optimization, by TRL's names.
 *
 * @param common what all stages have; a batch is of pairs
 * @param beta how much the policy is held to the reference
 * @param lossType the formula
 * @param labelSmoothing the share of pairs whose preference is taken for wrong, for the losses that
 *     know one
 */
public record DpoConfig(
    FineTuning common,
    @Hyperparameter("how much the policy is held to the reference") double beta,
    @Hyperparameter("the formula: sigmoid, ipo, hinge, robust or conservative")
        PreferenceLoss.Kind lossType,
    @Hyperparameter("share of pairs taken for wrong, for robust and conservative")
        double labelSmoothing)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "dpo";

  /** TRL's defaults where it has them. */
  public static final DpoConfig DEFAULTS =
      new DpoConfig(FineTuning.of(1e-6, 8), 0.1, PreferenceLoss.Kind.SIGMOID, 0);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public DpoConfig {
    Bounds.finiteAndPositive("beta", beta);
    Bounds.check(
        labelSmoothing >= 0 && labelSmoothing < 0.5,
        "%s must be at least 0 and below 0.5, not %s",
        new Name("labelSmoothing"),
        labelSmoothing);
    Bounds.check(
        labelSmoothing == 0
            || lossType == PreferenceLoss.Kind.ROBUST
            || lossType == PreferenceLoss.Kind.CONSERVATIVE,
        "%s (%s) is for robust and conservative of %s only",
        new Name("labelSmoothing"),
        labelSmoothing,
        new Name("lossType"));
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

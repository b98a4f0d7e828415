package jambic.train.preference;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of Kahneman-Tversky optimization, by TRL's names.
 *
 * @param common what all stages have; a batch is of judged answers
 * @param beta how much the policy is held to the reference
 * @param desirableWeight by how much a good answer counts
 * @param undesirableWeight by how much a bad answer counts
 */
public record KtoConfig(
    FineTuning common,
    @Hyperparameter("how much the policy is held to the reference") double beta,
    @Hyperparameter("by how much a good answer counts") double desirableWeight,
    @Hyperparameter("by how much a bad answer counts") double undesirableWeight)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "kto";

  /** TRL's defaults. */
  public static final KtoConfig DEFAULTS = new KtoConfig(FineTuning.of(1e-6, 8), 0.1, 1, 1);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public KtoConfig {
    Bounds.finiteAndPositive("beta", beta);
    Bounds.finiteAndPositive("desirableWeight", desirableWeight);
    Bounds.finiteAndPositive("undesirableWeight", undesirableWeight);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

package jambic.train.preference;

import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of a reward model, by TRL's names.
 *
 * @param common what all stages have; a batch is of prompts with all pairs of their answers
 * @param centerRewardsCoefficient weight of the mean of (chosen + rejected)^2, which keeps scores
 *     around 0; 0 for none
 */
public record RewardConfig(
    FineTuning common,
    @Hyperparameter("weight of the mean square of a pair's sum of scores; 0 for none")
        double centerRewardsCoefficient)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "reward";

  /** TRL's defaults where it has them. */
  public static final RewardConfig DEFAULTS = new RewardConfig(FineTuning.of(1e-4, 8), 0);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public RewardConfig {
    common.requireWithoutAdapters();
    Bounds.finiteAndNotNegative("centerRewardsCoefficient", centerRewardsCoefficient);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

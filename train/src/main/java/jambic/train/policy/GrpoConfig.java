package jambic.train.policy;

import jambic.model.ConfigMessage.Name;
import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of group relative policy optimization, by TRL's names. An iteration draws a
 * group of answers to each prompt of a batch, then updates the policy by minibatches of groups.
 *
 * @param common what all stages have
 * @param sampling how the policy answers
 * @param numGenerations answers of a group
 * @param numIterations passes over the answers of an iteration
 * @param numMiniBatches updates in a pass
 * @param beta by how much the distance from the reference counts; 0 needs no reference
 * @param epsilon how far the ratio of probabilities may fall below 1 with a gain
 * @param epsilonHigh how far it may rise above 1 with a gain
 * @param lossType how the losses of tokens become one
 * @param scaleRewards what the differences of rewards are divided by
 */
public record GrpoConfig(
    FineTuning common,
    SamplingSettings sampling,
    @Hyperparameter("answers of a group") int numGenerations,
    @Hyperparameter("passes over the answers of an iteration") int numIterations,
    @Hyperparameter("updates in a pass") int numMiniBatches,
    @Hyperparameter("by how much the distance from the reference counts") double beta,
    @Hyperparameter("how far the ratio of probabilities may fall below 1 with a gain")
        double epsilon,
    @Hyperparameter("how far it may rise above 1 with a gain") double epsilonHigh,
    @Hyperparameter("how the losses of tokens become one: grpo, dr-grpo or dapo")
        GrpoLoss.Kind lossType,
    @Hyperparameter("what the differences of rewards are divided by: group, batch or none")
        GroupAdvantages.Scale scaleRewards)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "grpo";

  /** TRL's defaults where it has them. */
  public static final GrpoConfig DEFAULTS =
      new GrpoConfig(
          FineTuning.of(1e-6, 8),
          new SamplingSettings(1, 256, 0),
          8,
          1,
          1,
          0,
          0.2,
          0.2,
          GrpoLoss.Kind.DAPO,
          GroupAdvantages.Scale.GROUP);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public GrpoConfig {
    Bounds.atLeast("numGenerations", numGenerations, 2);
    Bounds.atLeast("numIterations", numIterations, 1);
    Bounds.atLeast("numMiniBatches", numMiniBatches, 1);
    Bounds.check(
        common.batch().batchSize() % numMiniBatches == 0,
        "%s (%d) must be a multiple of %s (%d)",
        new Name("batchSize"),
        common.batch().batchSize(),
        new Name("numMiniBatches"),
        numMiniBatches);
    common.requireWithoutAccumulation();
    common.requireSavingAlways();
    Bounds.finiteAndNotNegative("beta", beta);
    Bounds.finiteAndPositive("epsilon", epsilon);
    Bounds.finiteAndPositive("epsilonHigh", epsilonHigh);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

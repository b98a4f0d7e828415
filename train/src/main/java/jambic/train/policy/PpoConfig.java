package jambic.train.policy;

import jambic.model.ConfigMessage.Name;
import jambic.train.config.Bounds;
import jambic.train.config.Hyperparameter;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;

/**
 * Every hyperparameter of PPO, by TRL's names. An iteration draws an answer to each prompt of a
 * batch, then updates policy and value model by minibatches of them.
 *
 * @param common what all stages have
 * @param sampling how the policy answers
 * @param numPpoEpochs passes over the answers of an iteration
 * @param numMiniBatches updates in a pass
 * @param klCoef by how much the distance from the reference lowers the reward
 * @param klEstimator how that distance is measured by token
 * @param klTarget nats that an adaptive coefficient steers to (Ziegler et al., 2019); 0 to fix it
 * @param klHorizon answers over which an adaptive coefficient adapts
 * @param cliprange how far the ratio of probabilities may go from 1 with a gain
 * @param cliprangeValue how far a value may go from the old one with a gain
 * @param vfCoef weight of the value model's loss
 * @param shareValue whether the value model is a head on the policy's body, not a model of its own
 * @param valueLearningRate the value model's learning rate, which follows the policy's schedule
 * @param gamma by how much a later reward counts less, 1 for not at all
 * @param lam lambda of generalized advantage estimation
 * @param whitenRewards whether rewards are scaled to variance 1
 * @param ptxCoef by how much the loss on pre-training text counts (PPO-ptx); 0 to do without
 * @param ptxBatchSize windows of that text in each update
 */
public record PpoConfig(
    FineTuning common,
    SamplingSettings sampling,
    @Hyperparameter("passes over the answers of an iteration") int numPpoEpochs,
    @Hyperparameter("updates in a pass") int numMiniBatches,
    @Hyperparameter("by how much the distance from the reference lowers the reward") double klCoef,
    @Hyperparameter("how that distance is measured by token: k1 or k3") KlEstimate klEstimator,
    @Hyperparameter("nats that an adaptive coefficient steers to; 0 to keep it fixed")
        double klTarget,
    @Hyperparameter("answers over which an adaptive coefficient adapts") int klHorizon,
    @Hyperparameter("how far the ratio of probabilities may go from 1 with a gain")
        double cliprange,
    @Hyperparameter("how far a value may go from the old one with a gain") double cliprangeValue,
    @Hyperparameter("weight of the value model's loss") double vfCoef,
    @Hyperparameter("whether the value model is a head on the policy's body") boolean shareValue,
    @Hyperparameter("the value model's learning rate, on the same schedule")
        double valueLearningRate,
    @Hyperparameter("by how much a later reward counts less; 1 for not at all") double gamma,
    @Hyperparameter("lambda of generalized advantage estimation") double lam,
    @Hyperparameter("whether rewards are scaled to variance 1") boolean whitenRewards,
    @Hyperparameter("by how much the loss on pre-training text counts (PPO-ptx); 0 for none")
        double ptxCoef,
    @Hyperparameter("windows of that text in each update") int ptxBatchSize)
    implements StageConfig {
  /** The stage's name. */
  public static final String STAGE = "ppo";

  /** TRL's values where it had them; temperature 1 and a penalty as InstructGPT and OpenAI. */
  public static final PpoConfig DEFAULTS =
      new PpoConfig(
          FineTuning.of(3e-6, 64),
          new SamplingSettings(1, 53, 1),
          4,
          1,
          0.05,
          KlEstimate.K1,
          0,
          10_000,
          0.2,
          0.2,
          0.1,
          false,
          3e-6,
          1,
          0.95,
          false,
          0,
          8);

  /**
   * Checks every value.
   *
   * @throws jambic.train.config.HyperparameterException if one is out of range
   */
  public PpoConfig {
    Bounds.atLeast("numPpoEpochs", numPpoEpochs, 1);
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
    Bounds.finiteAndNotNegative("klCoef", klCoef);
    Bounds.check(
        klEstimator != KlEstimate.K2, "%s must be k1 or k3, not k2", new Name("klEstimator"));
    Bounds.finiteAndNotNegative("klTarget", klTarget);
    Bounds.atLeast("klHorizon", klHorizon, 1);
    Bounds.check(
        klTarget == 0 || 0.2 * common.batch().batchSize() < klHorizon,
        "%s (%d) must be above a fifth of %s (%d)",
        new Name("klHorizon"),
        klHorizon,
        new Name("batchSize"),
        common.batch().batchSize());
    Bounds.finiteAndPositive("cliprange", cliprange);
    Bounds.finiteAndPositive("cliprangeValue", cliprangeValue);
    Bounds.finiteAndNotNegative("vfCoef", vfCoef);
    Bounds.finiteAndPositive("valueLearningRate", valueLearningRate);
    unit("gamma", gamma);
    unit("lam", lam);
    Bounds.finiteAndNotNegative("ptxCoef", ptxCoef);
    Bounds.atLeast("ptxBatchSize", ptxBatchSize, 1);
  }

  private static void unit(String name, double value) {
    Bounds.check(value >= 0 && value <= 1, "%s must be from 0 to 1, not %s", new Name(name), value);
  }

  @Override
  public String stage() {
    return STAGE;
  }
}

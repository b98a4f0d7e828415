package jambic.train.config;

import jambic.model.ConfigMessage.Name;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.optim.AdamW;
import jambic.train.optim.GradientClip;
import jambic.train.optim.LearningRateSchedule;
import jambic.train.optim.Muon;
import jambic.train.optim.Optimizer;
import jambic.train.optim.OptimizerKind;
import jambic.train.optim.ShardedAdamW;
import jambic.train.optim.WeightDecayMode;
import jambic.train.parallel.GradientSum;
import jambic.train.parallel.Shards;
import java.util.Map;
import java.util.Optional;

/**
 * What updates the parameters, and by how much.
 *
 * @param optimizer what updates the parameters
 * @param learningRate the learning rate, or its peak where it decays
 * @param schedule how the rate changes
 * @param beta1 AdamW's decay of the gradient's mean
 * @param beta2 AdamW's decay of the gradient's mean square
 * @param eps AdamW's guard against division by zero
 * @param weightDecay decoupled weight decay
 * @param decayOn which parameters decay
 * @param gradClip largest global L2 norm of the gradient; 0 for no limit
 * @param muonLearningRate Muon's learning rate where AdamW's is {@code learningRate}; it follows
 *     the same schedule
 * @param muonMomentum Muon's decay of the gradient's mean
 */
public record OptimizerSettings(
    @Hyperparameter(
            value = "adamw, or muon for the matrices of the blocks and adamw for the rest",
            former = "adamw")
        OptimizerKind optimizer,
    @Hyperparameter("learning rate, or its peak where it decays") double learningRate,
    ScheduleSettings schedule,
    @Hyperparameter("AdamW's decay of the gradient's mean") double beta1,
    @Hyperparameter("AdamW's decay of the gradient's mean square") double beta2,
    @Hyperparameter("AdamW's guard against division by zero") double eps,
    @Hyperparameter("decoupled weight decay") double weightDecay,
    @Hyperparameter("which parameters decay: matrices or all") WeightDecayMode decayOn,
    @Hyperparameter("largest norm of the gradient; 0 for no limit") double gradClip,
    @Hyperparameter(value = "Muon's rate where AdamW's is the learning rate", former = "0.02")
        double muonLearningRate,
    @Hyperparameter(value = "Muon's decay of the gradient's mean", former = "0.95")
        double muonMomentum) {

  /** What every preset has. */
  static final double MUON_LEARNING_RATE = 0.02;

  /** What every preset has. */
  static final double MUON_MOMENTUM = 0.95;

  /**
   * Checks every value.
   *
   * @throws HyperparameterException if one is out of range
   */
  public OptimizerSettings {
    Bounds.inUnitInterval("beta1", beta1);
    Bounds.inUnitInterval("beta2", beta2);
    Bounds.finiteAndPositive("learningRate", learningRate);
    Bounds.finiteAndPositive("eps", eps);
    Bounds.finiteAndNotNegative("weightDecay", weightDecay);
    Bounds.finiteAndNotNegative("gradClip", gradClip);
    Bounds.finiteAndPositive("muonLearningRate", muonLearningRate);
    Bounds.inUnitInterval("muonMomentum", muonMomentum);
    if (optimizer != OptimizerKind.MUON) {
      onlyForMuon("muonLearningRate", muonLearningRate, MUON_LEARNING_RATE);
      onlyForMuon("muonMomentum", muonMomentum, MUON_MOMENTUM);
    }
    Bounds.check(
        !schedule.decayLr() || schedule.minLr() <= learningRate,
        "%s (%s) must not exceed %s (%s)",
        new Name("minLr"),
        schedule.minLr(),
        new Name("learningRate"),
        learningRate);
  }

  private static void onlyForMuon(String name, double value, double usual) {
    Bounds.check(
        value == usual,
        "%s (%s) needs %s muon; adamw does not read it",
        new Name(name),
        value,
        new Name("optimizer"));
  }

  /**
   * AdamW for fine-tuning, by the defaults of PyTorch and TRL: no decay, and a norm of at most 1.
   *
   * @param learningRate the learning rate, or its peak where it decays
   * @param schedule how the rate changes
   * @return the settings
   */
  public static OptimizerSettings adamW(double learningRate, ScheduleSettings schedule) {
    return new OptimizerSettings(
        OptimizerKind.ADAMW,
        learningRate,
        schedule,
        0.9,
        0.999,
        1e-8,
        0,
        WeightDecayMode.MATRICES,
        1,
        MUON_LEARNING_RATE,
        MUON_MOMENTUM);
  }

  /**
   * The learning rates of the run.
   *
   * @return the rate of every update
   */
  public LearningRateSchedule rates() {
    return schedule.rates(learningRate);
  }

  private AdamW.Settings adamW() {
    return new AdamW.Settings(beta1, beta2, eps, weightDecay, decayOn);
  }

  /**
   * Makes the optimizer of a run on ranks. Its state is divided among several if it can be: AdamW's
   * on the CPU.
   *
   * @param backend where it computes
   * @param region where this rank's state lives
   * @param parameters what it updates, by name: of these, those that have gradients
   * @param clip limits their gradients
   * @param sum of these gradients
   * @return the optimizer, its state at the beginning
   */
  public Optimizer create(
      Backend backend,
      Region region,
      Map<String, Tensor> parameters,
      GradientClip clip,
      GradientSum sum) {
    Optional<Shards> shards =
        sum.shards()
            .filter(_ -> optimizer == OptimizerKind.ADAMW && ShardedAdamW.isPossible(backend));
    return shards.isPresent()
        ? new ShardedAdamW(backend, region, parameters, adamW(), clip, shards.get())
        : create(backend, region, parameters, clip.factor());
  }

  /**
   * Makes the optimizer of the run.
   *
   * @param backend where it computes
   * @param region where its state lives
   * @param parameters what it updates, by name: of these, those that have gradients
   * @param clipFactor (1): what gradients are multiplied by, {@link GradientClip#factor}
   * @return the optimizer, its state at the beginning
   */
  public Optimizer create(
      Backend backend, Region region, Map<String, Tensor> parameters, Tensor clipFactor) {
    AdamW.Settings adamW = adamW();
    return switch (optimizer) {
      case ADAMW -> new AdamW(backend, region, parameters, adamW, clipFactor);
      case MUON -> {
        Muon.Settings muon =
            new Muon.Settings(muonLearningRate, learningRate, muonMomentum, weightDecay);
        yield new Muon(backend, region, parameters, muon, adamW, clipFactor);
      }
    };
  }
}

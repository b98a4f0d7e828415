package jambic.train.policy;

import jambic.model.LanguageModel;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.train.data.EpochOrder;
import jambic.train.example.TokenPrompt;
import jambic.train.optim.Moment;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.stage.Divergence;
import jambic.train.stage.ParameterUpdate;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Group relative policy optimization (Shao et al., 2024): answers to one prompt are compared with
 * each other, so that no value model is needed. An iteration happens as a whole or not at all, as
 * with {@link PpoWork}.
 */
public final class GrpoWork implements StageWork {
  private static final double MOST = 0.9;

  private final GrpoConfig config;
  private final PolicyData data;
  private final LanguageModel reference;
  private final AnswerScorer scorer;
  private final Rollouts rollouts;
  private final List<Region> activations = new ArrayList<>();
  private final ParameterUpdate update;
  private final RowPass policyPass;
  private final RowPass referencePass;
  private final PolicyEvaluation evaluation;
  private final EpochOrder prompts;
  private final GrpoLoss loss;
  private final Divergence divergence = new Divergence(Double.MAX_VALUE);
  private double flat; // share of groups without a difference, lately

  /** Groups that one update learns from; numbers are by token, advantages by answer. */
  private record MiniBatch(
      RowBatch batch, double[] logProbs, double[] reference, double[] advantages) {}

  /**
   * Prepares the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is compared with, and kept near to where beta is above 0; closed with
   *     this
   * @param scorer says how good answers are; closed with this
   * @param config every hyperparameter
   * @param data the prompts
   */
  public GrpoWork(
      LanguageModel policy,
      LanguageModel reference,
      AnswerScorer scorer,
      GrpoConfig config,
      PolicyData data) {
    this.config = config;
    this.data = data;
    this.reference = reference;
    this.scorer = scorer;
    Backend backend = policy.backend();
    SamplingSettings sampling = config.sampling();
    float temperature = (float) sampling.temperature();
    int length = sampling.responseLength();
    rollouts = new Rollouts(policy, data.longest(length), length, data::end);
    update = new ParameterUpdate(policy, config::train, config.optimizer());
    policyPass =
        new RowPass(backend, region(backend), RowPass.Head.logProbs(policy, temperature), true);
    referencePass =
        new RowPass(backend, region(backend), RowPass.Head.logProbs(reference, temperature), false);
    evaluation = new PolicyEvaluation(rollouts, scorer, data, sampling, policyPass, referencePass);
    prompts = new EpochOrder(data.train().size(), config.seed());
    loss =
        new GrpoLoss(
            config.lossType(),
            config.epsilon(),
            config.epsilonHigh(),
            config.beta(),
            true,
            sampling.responseLength());
  }

  private Region region(Backend backend) {
    Region region = backend.region();
    activations.add(region);
    return region;
  }

  @Override
  public Map<String, Moment> moments() {
    return Moment.of(update.state());
  }

  @Override
  public Optional<Metrics.Evaluation> evaluate(
      int iteration, RunListener listener, BooleanSupplier stop) {
    if (flat > MOST) {
      listener.onNotice(
          "in more than nine tenths of the groups all answers were found equally good, which"
              + " teaches nothing; take other prompts, more answers a group or a finer reward");
    }
    return evaluation.measure(iteration, listener, stop);
  }

  @Override
  public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    int size = config.common().batch().batchSize();
    int group = config.numGenerations();
    List<TokenPrompt> asked =
        IntStream.range(0, size * group)
            .map(i -> prompts.at((long) iteration * size + i / group))
            .mapToObj(data.train()::get)
            .toList();
    float temperature = (float) config.sampling().temperature();
    Optional<List<Rollout>> drawn =
        rollouts.draw(asked, temperature, config.seed(), iteration, stop);
    if (drawn.isEmpty()) {
      return Optional.empty();
    }
    List<Rollout> answers = drawn.get();
    double drawingSeconds = (System.nanoTime() - start) * 1e-9;
    double[] rewards =
        PolicyEvaluation.scores(scorer, answers, config.sampling().missingEosPenalty());
    GroupAdvantages advantages = GroupAdvantages.of(rewards, group, config.scaleRewards());
    List<MiniBatch> batches = batches(answers, advantages.advantages());
    if (stop.getAsBoolean()) {
      return Optional.empty(); // nothing has changed yet
    }
    flat = advantages.fractionWithoutSpread();
    Map<String, Double> numbers = new LinkedHashMap<>();
    numbers.put("reward", Arrays.stream(rewards).average().orElseThrow());
    numbers.put("reward_std", advantages.meanStd());
    numbers.put("frac_reward_zero_std", flat);
    long tokens = answers.stream().mapToLong(answer -> answer.answer().length).sum();
    numbers.put("completions/mean_length", (double) tokens / answers.size());
    numbers.put(
        "completions/clipped_ratio",
        answers.stream().mapToInt(answer -> answer.ended() ? 0 : 1).average().orElseThrow());
    numbers.put("rollout_tokens_per_s", tokens / drawingSeconds);
    Metrics.Step step = update(batches, iteration, numbers);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return Optional.of(
        new Metrics.Step(
            iteration,
            step.loss(),
            step.lr(),
            step.gradNorm(),
            seconds * 1e3,
            tokens / seconds,
            OptionalDouble.empty(),
            numbers));
  }

  private List<MiniBatch> batches(List<Rollout> answers, double[] advantages) {
    List<MiniBatch> batches = new ArrayList<>();
    int each = answers.size() / config.numMiniBatches();
    for (int from = 0; from < answers.size(); from += each) {
      RowBatch batch = Rollout.batch(answers.subList(from, from + each), data.context());
      batches.add(
          new MiniBatch(
              batch,
              policyPass.forward(batch),
              config.beta() == 0 ? new double[0] : referencePass.forward(batch),
              Arrays.copyOfRange(advantages, from, from + each)));
    }
    return batches;
  }

  /** Updates the policy; the step has means over the updates, and no times. */
  private Metrics.Step update(List<MiniBatch> batches, int iteration, Map<String, Double> numbers) {
    int count = batches.size();
    EpochOrder order = new EpochOrder(count, config.seed() + iteration);
    int perIteration = config.numIterations() * count;
    double lr = config.optimizer().rates().at(iteration);
    double losses = 0;
    double norms = 0;
    for (int k = 0; k < perIteration; k++) {
      MiniBatch mini = batches.get(order.at(k));
      double[] gradient = new double[mini.batch().count()];
      GrpoLoss.Result result =
          loss.loss(
              mini.batch().rows(),
              policyPass.forward(mini.batch()),
              mini.logProbs(),
              mini.reference(),
              mini.advantages(),
              gradient);
      update.clear();
      policyPass.backward(gradient);
      double norm = update.apply(iteration * perIteration + k + 1, lr);
      divergence.require(result.loss(), "loss", iteration);
      divergence.requireFinite(norm, "gradient norm", iteration);
      losses += result.loss();
      norms += norm;
      numbers.merge("kl", result.kl() / perIteration, Double::sum);
      numbers.merge("clip_ratio/low_mean", result.clippedLow() / perIteration, Double::sum);
      numbers.merge("clip_ratio/high_mean", result.clippedHigh() / perIteration, Double::sum);
    }
    return new Metrics.Step(
        iteration, losses / perIteration, lr, norms / perIteration, 0, 0, OptionalDouble.empty());
  }

  /** Frees what trained the policy, reference and scorer. */
  @Override
  public void close() {
    rollouts.close();
    activations.forEach(Region::close);
    update.close();
    scorer.close();
    reference.close();
  }
}

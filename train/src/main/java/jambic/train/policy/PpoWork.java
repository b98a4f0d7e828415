package jambic.train.policy;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.LanguageModel;
import jambic.model.io.JsonObject;
import jambic.model.nn.Parameters;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.data.Dataset;
import jambic.train.data.EpochOrder;
import jambic.train.example.TokenPrompt;
import jambic.train.optim.LearningRateSchedule;
import jambic.train.optim.Moment;
import jambic.train.policy.Experience.MiniBatch;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.stage.Divergence;
import jambic.train.stage.ParameterUpdate;
import jambic.train.stage.PretrainingLoss;
import jambic.train.stage.RowBatch;
import jambic.train.stage.RowPass;
import jambic.train.stage.StageWork;
import jambic.train.stage.ValueModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * Proximal policy optimization against a reward (Schulman et al., 2017; for language models Ziegler
 * et al., 2019, and Ouyang et al., 2022). An iteration draws answers, scores them, and updates
 * policy and value model by minibatches of them. It happens as a whole or not at all: a run that is
 * stopped or killed inside one does it again.
 *
 * <p>The old log-probabilities come from the program that trains, on the same minibatches, and not
 * from the engine that drew: so the first ratio is exactly 1.
 */
public final class PpoWork implements StageWork {
  private static final String CONTROLLER = "ppo.json";
  private static final String COEFFICIENT = "kl_coef";

  private final PpoConfig config;
  private final PolicyData data;
  private final ValueModel value;
  private final LanguageModel reference;
  private final AnswerScorer scorer;
  private final Rollouts rollouts;
  private final List<Region> activations = new ArrayList<>();
  private final ParameterUpdate policyUpdate;
  private final ParameterUpdate valueUpdate;
  private final RowPass policyPass;
  private final RowPass valuePass;
  private final RowPass referencePass;
  private final PolicyEvaluation evaluation;
  private final EpochOrder prompts;
  private final LearningRateSchedule valueRates;
  private final PpoLoss loss;
  private final Optional<PretrainingLoss> pretraining;
  private final Map<String, Moment> moments = new LinkedHashMap<>();
  private final Divergence divergence = new Divergence(Double.MAX_VALUE);
  private KlController controller;

  /**
   * Prepares the training of a policy.
   *
   * @param policy what is trained; without dropout
   * @param reference what it is kept near to; closed with this
   * @param value estimates what is to be expected, and is trained beside; closed with this
   * @param scorer says how good answers are; closed with this
   * @param config every hyperparameter
   * @param data the prompts
   * @param text what the policy was pre-trained on, to mix in; empty to do without
   * @throws JambicException if there is text without a coefficient for it, or the other way round,
   *     or too little
   */
  public PpoWork(
      LanguageModel policy,
      LanguageModel reference,
      ValueModel value,
      AnswerScorer scorer,
      PpoConfig config,
      PolicyData data,
      Optional<Dataset> text) {
    if (text.isPresent() != config.ptxCoef() > 0) {
      throw new ConfigException(
          "%s (%s) and the text that it weights belong together; give both or none",
          new Name("ptxCoef"), config.ptxCoef());
    }
    this.config = config;
    this.data = data;
    this.value = value;
    this.reference = reference;
    this.scorer = scorer;
    Backend backend = policy.backend();
    SamplingSettings sampling = config.sampling();
    float temperature = (float) sampling.temperature();
    int length = sampling.responseLength();
    rollouts = new Rollouts(policy, data.longest(length), length, data::end);
    policyUpdate = new ParameterUpdate(policy, config::train, config.optimizer());
    Parameters[] valued = new Parameters[1];
    valueUpdate = new ParameterUpdate(backend, g -> valued[0] = value.train(g), config.optimizer());
    policyPass =
        new RowPass(backend, region(backend), RowPass.Head.logProbs(policy, temperature), true);
    valuePass = new RowPass(backend, region(backend), value.head(), true);
    referencePass =
        new RowPass(backend, region(backend), RowPass.Head.logProbs(reference, temperature), false);
    evaluation = new PolicyEvaluation(rollouts, scorer, data, sampling, policyPass, referencePass);
    prompts = new EpochOrder(data.train().size(), config.seed());
    valueRates = config.optimizer().schedule().rates(config.valueLearningRate());
    loss = new PpoLoss(config.cliprange(), config.cliprangeValue());
    pretraining =
        text.map(dataset ->
            new PretrainingLoss(
                policy,
                dataset,
                config.ptxCoef(),
                config.ptxBatchSize(),
                data.context(),
                config.seed()));
    controller =
        config.klTarget() == 0
            ? KlController.fixed(config.klCoef())
            : new KlController(config.klCoef(), config.klTarget(), config.klHorizon());
    moments.putAll(Moment.of(policyUpdate.state()));
    Moment.of(valueUpdate.state()).forEach((name, moment) -> moments.put("value." + name, moment));
    Moment.of(valued[0].byName()).forEach((name, weight) -> moments.put("value.w." + name, weight));
  }

  private Region region(Backend backend) {
    Region region = backend.region();
    activations.add(region);
    return region;
  }

  /** Returns the moments of both models, and the weights of the value model. */
  @Override
  public Map<String, Moment> moments() {
    return moments;
  }

  @Override
  public void save(Path checkpoint) throws IOException {
    Map<String, Object> state = Map.of(COEFFICIENT, controller.coefficient());
    Files.writeString(checkpoint.resolve(CONTROLLER), JSON.std.asString(state) + "\n");
  }

  @Override
  public void load(Path checkpoint) throws IOException {
    JsonObject state = JsonObject.read(checkpoint.resolve(CONTROLLER));
    if (!(state.values().get(COEFFICIENT) instanceof Number coefficient)) {
      throw new JambicException(
          Text.format("%s is damaged: it has no %s; restore it", state.where(), COEFFICIENT));
    }
    controller =
        new KlController(coefficient.doubleValue(), controller.target(), controller.horizon());
  }

  @Override
  public Optional<Metrics.Evaluation> evaluate(
      int iteration, RunListener listener, BooleanSupplier stop) {
    return evaluation.measure(iteration, listener, stop);
  }

  @Override
  public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    int size = config.common().batch().batchSize();
    List<TokenPrompt> asked =
        IntStream.range(0, size)
            .map(i -> prompts.at((long) iteration * size + i))
            .mapToObj(data.train()::get)
            .toList();
    float temperature = (float) config.sampling().temperature();
    Optional<List<Rollout>> drawn =
        rollouts.draw(asked, temperature, config.seed(), iteration, stop);
    if (drawn.isEmpty()) {
      return Optional.empty();
    }
    double drawingSeconds = (System.nanoTime() - start) * 1e-9;
    Experience experience = experience(drawn.get());
    if (stop.getAsBoolean()) {
      return Optional.empty(); // nothing has changed yet
    }
    double coefficient = controller.coefficient(); // that of these answers' rewards
    Updates updates = update(experience, iteration);
    controller = controller.after(experience.kl(), size);
    double seconds = (System.nanoTime() - start) * 1e-9;
    long tokens = drawn.get().stream().mapToLong(answer -> answer.answer().length).sum();
    Map<String, Double> others = experience.numbers();
    updates.addTo(others);
    others.put("objective/kl_coef", coefficient);
    others.put("rollout_tokens_per_s", tokens / drawingSeconds);
    others.put("episode", (double) (iteration + 1) * size);
    return Optional.of(
        new Metrics.Step(
            iteration,
            updates.mean("loss/policy_avg"),
            config.optimizer().rates().at(iteration),
            updates.mean("grad_norm"),
            seconds * 1e3,
            tokens / seconds,
            OptionalDouble.empty(),
            others));
  }

  /** Scores the answers and estimates what each token gained, before anything is updated. */
  private Experience experience(List<Rollout> drawn) {
    double[] scores = PolicyEvaluation.scores(scorer, drawn, config.sampling().missingEosPenalty());
    List<MiniBatch> batches = new ArrayList<>();
    int each = drawn.size() / config.numMiniBatches();
    for (int from = 0; from < drawn.size(); from += each) {
      RowBatch batch = Rollout.batch(drawn.subList(from, from + each), data.context());
      batches.add(
          new MiniBatch(
              batch,
              policyPass.forward(batch),
              valuePass.forward(batch),
              referencePass.forward(batch),
              Arrays.copyOfRange(scores, from, from + each)));
    }
    return Experience.of(batches, config, controller.coefficient(), drawn);
  }

  private Updates update(Experience experience, int iteration) {
    Updates updates = new Updates();
    int count = config.numMiniBatches();
    EpochOrder order = new EpochOrder(count, config.seed() + iteration);
    int perIteration = config.numPpoEpochs() * count;
    double lr = config.optimizer().rates().at(iteration);
    double valueLr = valueRates.at(iteration);
    for (int k = 0; k < perIteration; k++) {
      MiniBatch mini = experience.batches().get(order.at(k));
      int t = iteration * perIteration + k + 1;
      double[] gradient = new double[mini.batch().count()];
      PpoLoss.Policy policy =
          loss.policy(
              policyPass.forward(mini.batch()), mini.logProbs(), mini.advantages(), gradient);
      policyUpdate.clear();
      valueUpdate.clear();
      policyPass.backward(gradient);
      int update = k;
      OptionalDouble text =
          pretraining
              .map(p -> OptionalDouble.of(p.addGradient(iteration, update)))
              .orElseGet(OptionalDouble::empty);
      PpoLoss.Value values =
          loss.value(valuePass.forward(mini.batch()), mini.values(), mini.returns(), gradient);
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] *= config.vfCoef();
      }
      valuePass.backward(gradient);
      double norm = policyUpdate.apply(t, lr); // the values' loss trains a shared body, too
      valueUpdate.apply(t, valueLr);
      divergence.require(policy.loss(), "policy's loss", iteration);
      divergence.require(values.loss(), "value model's loss", iteration);
      divergence.requireFinite(norm, "gradient norm", iteration);
      updates.add(policy, values, norm, text);
    }
    return updates;
  }

  /** Frees what trained the policy, and all other models. */
  @Override
  public void close() {
    rollouts.close();
    activations.forEach(Region::close);
    pretraining.ifPresent(PretrainingLoss::close);
    policyUpdate.close();
    valueUpdate.close();
    scorer.close();
    reference.close();
    value.close();
  }

  /** Means over the updates of an iteration. */
  private static final class Updates {
    private final Map<String, Double> sums = new LinkedHashMap<>();
    private final List<Double> ratios = new ArrayList<>();
    private int count;

    void add(PpoLoss.Policy policy, PpoLoss.Value values, double norm, OptionalDouble text) {
      if (count == 0) {
        sums.put("val/ratio_first", policy.meanRatio());
      }
      count++;
      sum("loss/policy_avg", policy.loss());
      sum("loss/value_avg", values.loss());
      sum("policy/approxkl_avg", policy.approxKl());
      sum("policy/clipfrac_avg", policy.clipFraction());
      sum("val/clipfrac_avg", values.clipFraction());
      sum("val/ratio", policy.meanRatio());
      ratios.add(policy.meanRatio());
      sum("grad_norm", norm);
      text.ifPresent(value -> sum("loss/ptx_avg", value));
    }

    private void sum(String name, double value) {
      sums.merge(name, value, Double::sum);
    }

    double mean(String name) {
      return sums.get(name) / count;
    }

    void addTo(Map<String, Double> numbers) {
      sums.keySet().stream()
          .filter(name -> !name.equals("grad_norm"))
          .forEach(name ->
              numbers.put(name, name.equals("val/ratio_first") ? sums.get(name) : mean(name)));
      if (count > 1) { // TRL's: over the updates, unbiased
        double mean = mean("val/ratio");
        double squares = ratios.stream().mapToDouble(r -> (r - mean) * (r - mean)).sum();
        numbers.put("val/ratio_var", squares / (count - 1));
      }
    }
  }
}

package jambic.train.stage;

import jambic.model.Model;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import jambic.train.data.EpochOrder;
import jambic.train.optim.Moment;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Minimizes a {@link RowObjective}: reward models, and learning from preferences without a reward.
 *
 * @param <E> one thing to learn from
 */
public final class RowLossWork<E> implements StageWork {
  private final StageConfig config;
  private final RowObjective<E> objective;
  private final List<E> train;
  private final List<E> valid;
  private final Region activations;
  private final RowPass pass;
  private final ParameterUpdate update;
  private final EpochOrder order;
  private final Divergence divergence;

  /**
   * Prepares training.
   *
   * @param model what is trained; without dropout
   * @param config every hyperparameter
   * @param head from tokens to the numbers that the loss is made of
   * @param objective makes the loss of them
   * @param train what to learn from
   * @param valid what to measure with
   */
  public RowLossWork(
      Model model,
      StageConfig config,
      RowPass.Head head,
      RowObjective<E> objective,
      List<E> train,
      List<E> valid) {
    if (train.isEmpty() || valid.isEmpty()) {
      throw new JambicException(
          "there are no examples to learn from, or none to measure with; give one or more of each");
    }
    this.config = config;
    this.objective = objective;
    this.train = List.copyOf(train);
    this.valid = List.copyOf(valid);
    activations = model.backend().region();
    update = new ParameterUpdate(model, config::train, config.optimizer());
    pass = new RowPass(model.backend(), activations, head, true);
    order = new EpochOrder(train.size(), config.seed());
    divergence = new Divergence(Double.MAX_VALUE);
  }

  @Override
  public Map<String, Moment> moments() {
    return Moment.of(update.state());
  }

  @Override
  public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    int size = config.common().batch().batchSize();
    int micros = config.gradientAccumulationSteps();
    Means means = new Means();
    long tokens = 0;
    update.clear();
    for (int micro = 0; micro < micros; micro++) {
      if (micro > 0 && stop.getAsBoolean()) {
        return Optional.empty(); // nothing is updated yet
      }
      long first = ((long) iteration * micros + micro) * size;
      List<E> things =
          IntStream.range(0, size).mapToObj(i -> train.get(order.at(first + i))).toList();
      RowBatch batch = objective.batch(things);
      double[] gradient = new double[batch.count()];
      RowObjective.Outcome outcome = objective.loss(things, batch, pass.forward(batch), gradient);
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] /= micros; // micro batches are equally large
      }
      pass.backward(gradient);
      means.add(outcome, 1);
      tokens += batch.tokens();
    }
    double lr = config.optimizer().rates().at(iteration);
    divergence.require(means.loss(), "loss", iteration);
    double norm = update.apply(iteration + 1, lr);
    divergence.requireFinite(norm, "gradient norm", iteration);
    double seconds = (System.nanoTime() - start) * 1e-9;
    return Optional.of(
        new Metrics.Step(
            iteration,
            means.loss(),
            lr,
            norm,
            seconds * 1e3,
            tokens / seconds,
            OptionalDouble.empty(),
            means.numbers("")));
  }

  @Override
  public Optional<Metrics.Evaluation> evaluate(
      int iteration, RunListener listener, BooleanSupplier stop) {
    List<List<E>> ofTrain = batches(train);
    List<List<E>> ofValid = batches(valid);
    int all = ofTrain.size() + ofValid.size();
    Optional<Means> trained = measure(ofTrain, 0, all, iteration, listener, stop);
    Optional<Means> held =
        trained.flatMap(_ -> measure(ofValid, ofTrain.size(), all, iteration, listener, stop));
    if (held.isEmpty()) {
      return Optional.empty();
    }
    divergence.require(held.get().loss(), "validation loss", iteration);
    return Optional.of(
        new Metrics.Evaluation(
            iteration,
            trained.orElseThrow().loss(),
            held.get().loss(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            held.get().numbers(Metrics.Evaluation.EVALUATED)));
  }

  /** The first ones, as many batches as an evaluation reads. */
  private List<List<E>> batches(List<E> things) {
    int size = config.common().batch().batchSize();
    List<List<E>> batches = new ArrayList<>();
    for (int from = 0;
        from < things.size() && batches.size() < config.run().evalIters();
        from += size) {
      batches.add(things.subList(from, Math.min(things.size(), from + size)));
    }
    return batches;
  }

  private Optional<Means> measure(
      List<List<E>> batches,
      int before,
      int all,
      int iteration,
      RunListener listener,
      BooleanSupplier stop) {
    Means means = new Means();
    for (int i = 0; i < batches.size(); i++) {
      listener.onEvaluationBatch(iteration, before + i, all);
      if (stop.getAsBoolean()) {
        return Optional.empty();
      }
      List<E> things = batches.get(i);
      RowBatch batch = objective.batch(things);
      double[] unused = new double[batch.count()];
      means.add(objective.loss(things, batch, pass.forward(batch), unused), things.size());
    }
    return Optional.of(means);
  }

  /** Frees what trained the model. */
  @Override
  public void close() {
    activations.close();
    update.close();
  }

  /** Weighted means of outcomes. */
  private static final class Means {
    private final Map<String, Double> sums = new LinkedHashMap<>();
    private final Map<String, Double> counted = new HashMap<>(); // not every batch has every number
    private double losses;
    private double weights;

    void add(RowObjective.Outcome outcome, double weight) {
      losses += weight * outcome.loss();
      weights += weight;
      outcome
          .numbers()
          .forEach((name, value) -> {
            sums.merge(name, weight * value, Double::sum);
            counted.merge(name, weight, Double::sum);
          });
    }

    double loss() {
      return losses / weights;
    }

    Map<String, Double> numbers(String before) {
      Map<String, Double> means = new LinkedHashMap<>();
      sums.forEach((name, sum) -> means.put(before + name, sum / counted.get(name)));
      return means;
    }
  }
}

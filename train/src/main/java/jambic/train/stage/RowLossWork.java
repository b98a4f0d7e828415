package jambic.train.stage;

import jambic.model.Model;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Region;
import jambic.train.TrainingStep;
import jambic.train.data.EpochOrder;
import jambic.train.optim.Moment;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.GradientSum;
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
import java.util.stream.Collectors;
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
  private final DataParallel ranks;
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
   * @param ranks that train together
   */
  public RowLossWork(
      Model model,
      StageConfig config,
      RowPass.Head head,
      RowObjective<E> objective,
      List<E> train,
      List<E> valid,
      DataParallel ranks) {
    if (train.isEmpty() || valid.isEmpty()) {
      throw new JambicException(
          "there are no examples to learn from, or none to measure with; give one or more of each");
    }
    this.config = config;
    this.objective = objective;
    this.train = List.copyOf(train);
    this.valid = List.copyOf(valid);
    activations = model.backend().region();
    this.ranks = ranks;
    update =
        new ParameterUpdate(
            model, config::train, config.optimizer(), ranks, config.gradientAccumulationSteps());
    pass = new RowPass(model.backend(), activations, head, update.sum().groups());
    order = new EpochOrder(train.size(), config.seed());
    divergence = new Divergence(Double.MAX_VALUE);
  }

  @Override
  public boolean isShareable() {
    return true;
  }

  @Override
  public Map<String, Moment> moments() {
    return update.moments();
  }

  @Override
  public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    double waited = ranks.waitedMs();
    int size = config.common().batch().batchSize();
    int micros = config.gradientAccumulationSteps();
    GradientSum sum = update.sum();
    List<Measured> mine = new ArrayList<>();
    for (int i = 0; i < sum.share(); i++) {
      if (i > 0 && !ranks.isShared() && stop.getAsBoolean()) { // ranks agree after an iteration
        return Optional.empty(); // nothing is updated yet
      }
      if (sum.beginsLane(i)) {
        update.clear();
      }
      long first = ((long) iteration * micros + sum.first() + i) * size;
      List<E> things =
          IntStream.range(0, size).mapToObj(k -> train.get(order.at(first + k))).toList();
      RowBatch batch = objective.batch(things);
      double[] gradient = new double[batch.count()];
      RowObjective.Outcome outcome = objective.loss(things, batch, pass.forward(batch), gradient);
      for (int k = 0; k < gradient.length; k++) {
        gradient[k] /= micros; // micro batches are equally large
      }
      pass.backward(gradient, sum.afterPart(i));
      if (sum.endsLane(i)) {
        sum.addLane(i);
      }
      mine.add(new Measured(1, batch.tokens(), outcome));
    }
    sum.await();
    Means means = new Means();
    Measured.ofAll(mine, ranks).forEach(means::add);
    double lr = config.optimizer().rates().at(iteration);
    divergence.require(means.loss(), "loss", iteration);
    double norm = update.apply(iteration + 1, lr);
    divergence.requireFinite(norm, "gradient norm", iteration);
    Map<String, Double> numbers = means.numbers("");
    if (ranks.isShared()) {
      numbers.put(TrainingStep.WAITED_MS, ranks.waitedMs() - waited);
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    return Optional.of(
        new Metrics.Step(
            iteration,
            means.loss(),
            lr,
            norm,
            seconds * 1e3,
            means.tokens / seconds,
            OptionalDouble.empty(),
            numbers));
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
    for (int first = 0; first < batches.size(); first += ranks.size()) {
      listener.onEvaluationBatch(iteration, before + first, all);
      if (stop.getAsBoolean()) {
        return Optional.empty();
      }
      int index = first + ranks.rank();
      Measured.ofAll(
              index < batches.size() ? List.of(measure(batches.get(index))) : List.of(), ranks)
          .forEach(means::add);
    }
    return Optional.of(means);
  }

  private Measured measure(List<E> things) {
    RowBatch batch = objective.batch(things);
    double[] unused = new double[batch.count()];
    return new Measured(
        things.size(), batch.tokens(), objective.loss(things, batch, pass.forward(batch), unused));
  }

  /** Frees what trained the model. */
  @Override
  public void close() {
    activations.close();
    update.close();
  }

  /**
   * What a batch came to.
   *
   * @param weight in a mean
   * @param tokens read
   * @param outcome the loss, and what a log shows
   */
  private record Measured(double weight, long tokens, RowObjective.Outcome outcome) {
    private static final String LOSS = "";

    /** Those of all ranks in order; hexadecimal numbers are exact. */
    static List<Measured> ofAll(List<Measured> mine, DataParallel ranks) {
      if (!ranks.isShared()) {
        return mine;
      }
      return ranks
          .gather(mine.stream().map(Measured::line).collect(Collectors.joining("\n")))
          .stream()
          .flatMap(String::lines)
          .map(Measured::of)
          .toList();
    }

    private String line() {
      StringBuilder line = new StringBuilder();
      line.append(Double.toHexString(weight)).append('\t').append(tokens);
      line.append('\t').append(LOSS).append('=').append(Double.toHexString(outcome.loss()));
      outcome
          .numbers()
          .forEach((name, value) ->
              line.append('\t').append(name).append('=').append(Double.toHexString(value)));
      return line.toString();
    }

    private static Measured of(String line) {
      String[] fields = line.split("\t");
      Map<String, Double> numbers = new LinkedHashMap<>();
      for (String field : List.of(fields).subList(2, fields.length)) {
        int end = field.lastIndexOf('=');
        numbers.put(field.substring(0, end), Double.parseDouble(field.substring(end + 1)));
      }
      double loss = numbers.remove(LOSS);
      return new Measured(
          Double.parseDouble(fields[0]),
          Long.parseLong(fields[1]),
          new RowObjective.Outcome(loss, numbers));
    }
  }

  /** Weighted means of outcomes. */
  private static final class Means {
    private final Map<String, Double> sums = new LinkedHashMap<>();
    private final Map<String, Double> counted = new HashMap<>(); // not every batch has every number
    private double losses;
    private double weights;

    private long tokens;

    void add(Measured one) {
      tokens += one.tokens;
      losses += one.weight * one.outcome.loss();
      weights += one.weight;
      one.outcome
          .numbers()
          .forEach((name, value) -> {
            sums.merge(name, one.weight * value, Double::sum);
            counted.merge(name, one.weight, Double::sum);
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

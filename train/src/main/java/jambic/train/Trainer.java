package jambic.train;

import jambic.model.AtomicFolder;
import jambic.model.BaseModels;
import jambic.model.Checkpoint;
import jambic.model.Gpt;
import jambic.model.GptConfig;
import jambic.model.Parameters;
import jambic.model.Tokenizer;
import jambic.tensor.DeviceLostException;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.Dataset.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * A run: trains a GPT on a dataset, evaluates it now and then, and keeps everything in its folder.
 *
 * <pre>
 * run/last/          the newest model and all that resuming needs
 * run/best/          the model of the lowest validation loss
 * run/metrics.jsonl  a line for each iteration and evaluation
 * </pre>
 *
 * <p>A run that is killed and resumed goes on with the same bits: the checkpoint holds weights and
 * moments, and all else is a function of the iteration.
 */
public final class Trainer implements AutoCloseable {
  /** The name of the newest checkpoint in a run's folder. */
  public static final String LAST = "last";

  /** The name of the best checkpoint in a run's folder. */
  public static final String BEST = "best";

  private static final long SAVE_EVERY_NANOS = 300_000_000_000L;

  /** How a run came to its end. */
  public enum Outcome {
    /** All iterations are done. */
    FINISHED,
    /** It was asked to stop, and saved. */
    STOPPED
  }

  /** Hears of a run's progress. */
  public interface Listener {
    /**
     * An iteration is done.
     *
     * @param step what it measured
     */
    default void onStep(Metrics.Step step) {}

    /**
     * A batch of an evaluation comes next.
     *
     * @param iter the updates behind the model
     * @param done the batches measured so far
     * @param count the batches of both splits
     */
    default void onEvaluationBatch(int iter, int done, int count) {}

    /**
     * An evaluation is done.
     *
     * @param evaluation what it measured
     */
    default void onEvaluation(Metrics.Evaluation evaluation) {}

    /**
     * Something that a person should know, and nothing failed.
     *
     * @param notice a sentence
     */
    default void onNotice(String notice) {}
  }

  private final Path folder;
  private final TrainConfig config;
  private final String fingerprint; // of the data, which may be long to read
  private final Gpt model;
  private final RunCheckpoints checkpoints;
  private final Region gradients;
  private final Region state;
  private final Region activations;
  private final GradientClip clip;
  private final Optimizer optimizer;
  private final LossEstimator estimator;
  private final TrainingStep step;
  private final OptionalDouble peakFlops;
  private final RunLock lock;
  private Optional<String> notice = Optional.empty();
  private boolean closed;
  private int iteration;
  private double bestValLoss = Double.POSITIVE_INFINITY;

  private Trainer(
      Gpt model,
      TrainConfig config,
      Dataset data,
      String fingerprint,
      Optional<Tokenizer> tokenizer,
      Path folder,
      OptionalDouble peakFlops,
      RunLock lock) {
    this.lock = lock;
    this.model = model;
    this.config = config;
    this.fingerprint = fingerprint;
    this.folder = folder;
    checkpoints = new RunCheckpoints(folder, model, tokenizer);
    this.peakFlops = peakFlops;
    Backend backend = model.backend();
    gradients = backend.region();
    state = backend.region();
    activations = backend.region();
    Parameters trained = trained(model, config, gradients);
    clip = new GradientClip(backend, state, trained.tensors(), config.gradClip());
    optimizer = config.optimizer(backend, state, trained.byName(), clip.factor());
    int batchSize = config.batchSize();
    int blockSize = config.blockSize();
    WindowSource windows = new Batches(data, batchSize, blockSize, config.seed());
    Objective objective = new NextTokenPrediction(model, windows, batchSize, blockSize);
    estimator = new LossEstimator(backend, objective, activations);
    step =
        new TrainingStep(
            backend,
            objective,
            optimizer,
            clip,
            config.gradientAccumulationSteps(),
            config.seed(),
            activations);
  }

  /** Gives gradients to what a run trains: the adapters, or the weights that are not frozen. */
  static Parameters trained(Gpt model, TrainConfig config, Region gradients) {
    if (config.loraRank() > 0) {
      if (model.lora().isEmpty()) {
        throw new HyperparameterException(
            "loraRank is for a model that is there already; name it with --init");
      }
      model.adapters().train(gradients);
      return model.adapters();
    }
    Freeze freeze = Freeze.of(config.freeze());
    freeze.requireIn(model.parameters().byName().keySet());
    model.parameters().train(gradients, name -> !freeze.covers(name));
    return model.parameters();
  }

  /**
   * Begins a run.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config every hyperparameter
   * @param data what to train on
   * @param tokenizer of the data
   * @param folder the run's; must not hold a run yet
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @return the run, to be closed
   * @throws JambicException if the folder holds a run or something else that would be overwritten,
   *     another process trains there, or the data has ids that the tokenizer lacks
   */
  public static Trainer begin(
      Backend backend,
      TrainConfig config,
      Dataset data,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops) {
    return begin(
        () -> new Gpt(backend, config.gpt(tokenizer.vocabSize()), config.init()),
        config,
        data,
        tokenizer,
        folder,
        peakFlops);
  }

  /**
   * Begins a run that does not report its utilization.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config every hyperparameter
   * @param data what to train on
   * @param tokenizer of the data
   * @param folder the run's; must not hold a run yet
   * @return the run, to be closed
   * @throws JambicException if the folder holds a run already
   */
  public static Trainer begin(
      Backend backend, TrainConfig config, Dataset data, Tokenizer tokenizer, Path folder) {
    return begin(backend, config, data, tokenizer, folder, OptionalDouble.empty());
  }

  /**
   * Begins a run with a model that is there already: fine-tuning.
   *
   * @param model what is trained on, of the shape that {@code config} says; the run closes it
   * @param config every hyperparameter
   * @param data what to train on
   * @param tokenizer of the data and the model
   * @param folder the run's; must not hold a run yet
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @return the run, to be closed
   * @throws JambicException if the folder holds a run already, or nothing of the model would be
   *     trained
   */
  public static Trainer begin(
      Gpt model,
      TrainConfig config,
      Dataset data,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops) {
    return begin(() -> model, config, data, tokenizer, folder, peakFlops);
  }

  private static Trainer begin(
      Supplier<Gpt> model,
      TrainConfig config,
      Dataset data,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops) {
    data.requireIds(tokenizer.vocabSize());
    RunLock lock = RunLock.ofNewRun(folder);
    try {
      return new Trainer(
          model.get(),
          config,
          data,
          data.fingerprint(),
          Optional.of(tokenizer),
          folder,
          peakFlops,
          lock);
    } catch (RuntimeException | Error e) {
      lock.discard();
      throw e;
    }
  }

  /**
   * Refuses a folder in which a new run cannot begin, as {@link #begin(Backend, TrainConfig,
   * Dataset, Tokenizer, Path)} does: to be asked before anything that takes long.
   *
   * @param folder where a run is to begin; need not exist
   * @throws JambicException if it holds a run or something else that would be overwritten
   */
  public static void requireVacant(Path folder) {
    RunLock.requireVacant(folder);
  }

  /**
   * What a run's folder says about itself.
   *
   * @param folder the run's
   * @return its hyperparameters
   * @throws JambicException if there is no run to resume
   */
  public static TrainConfig configOf(Path folder) {
    return AtomicFolder.read(folder.resolve(LAST), TrainingState::read).config();
  }

  /**
   * Takes up a run where its last checkpoint left it.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config {@link #configOf} the folder, perhaps with more iterations
   * @param data what it has trained on so far
   * @param folder the run's
   * @param bases find the model that the run's adapters belong to
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @return the run, to be closed
   * @throws JambicException if there is no run, it is damaged, or it trained on other data
   */
  public static Trainer resume(
      Backend backend,
      TrainConfig config,
      Dataset data,
      Path folder,
      BaseModels bases,
      OptionalDouble peakFlops) {
    Path last = folder.resolve(LAST);
    configOf(folder); // leaves no lock where there is no run
    RunLock lock = RunLock.ofRun(folder);
    try {
      Checkpoint.requireReplaceable(folder.resolve(BEST));
      return AtomicFolder.read(
          last, whole -> restore(backend, config, data, whole, folder, bases, peakFlops, lock));
    } catch (RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  private static Trainer restore(
      Backend backend,
      TrainConfig config,
      Dataset data,
      Path last,
      Path folder,
      BaseModels bases,
      OptionalDouble peakFlops,
      RunLock lock)
      throws IOException {
    TrainingState saved = TrainingState.read(last);
    String fingerprint = data.fingerprint();
    Optional<String> changes = Resumption.check(saved, config, fingerprint, folder);
    try (Checkpoint checkpoint = Checkpoint.open(last, bases)) {
      GptConfig stored = checkpoint.config();
      GptConfig shape = config.gpt(stored);
      if (!shape.equals(checkpoint.config())) {
        throw new JambicException(
            last
                + " is damaged: its training.json and config.json tell of different models; restore"
                + " it");
      }
      Gpt model = checkpoint.resumed(backend);
      Trainer trainer =
          new Trainer(
              model, config, data, fingerprint, checkpoint.tokenizer(), folder, peakFlops, lock);
      trainer.notice = changes;
      TrainingState.readMoments(last, trainer.optimizer.state());
      trainer.iteration = saved.iteration();
      trainer.bestValLoss = saved.bestValLoss();
      return trainer;
    }
  }

  private static Path log(Path folder) {
    return folder.resolve(MetricsLog.FILE_NAME);
  }

  /**
   * The model being trained.
   *
   * @return the model, which closes with the run
   */
  public Gpt model() {
    return model;
  }

  /**
   * The updates done so far.
   *
   * @return the iteration that comes next
   */
  public int iteration() {
    return iteration;
  }

  /**
   * Trains until all iterations are done, or the thread is interrupted.
   *
   * @param listener hears of progress
   * @return how it ended
   * @throws JambicException as {@link #run(Listener, BooleanSupplier)}
   */
  public Outcome run(Listener listener) {
    return run(listener, () -> false);
  }

  /**
   * Trains until all iterations are done or someone asks to stop, be it by interrupting the thread,
   * which is still interrupted afterwards.
   *
   * @param listener hears of progress
   * @param stop asked after every iteration, and between the batches of one and of an evaluation;
   *     an iteration that it cuts short has not happened
   * @return how it ended; either way the newest checkpoint is {@code last}
   * @throws JambicException if the loss explodes or is no number, the folder cannot be written or
   *     the device is lost; the last good checkpoint stays; or if this is closed
   */
  public Outcome run(Listener listener, BooleanSupplier stop) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(stop, "stop");
    if (closed) {
      throw new JambicException("the run is closed; resume it");
    }
    return train(listener, () -> stop.getAsBoolean() || Thread.currentThread().isInterrupted());
  }

  private Outcome train(Listener listener, BooleanSupplier stop) {
    notice.ifPresent(listener::onNotice);
    notice = Optional.empty();
    try (MetricsLog log = openLog(listener)) {
      long saved = System.nanoTime();
      while (true) {
        if (iteration % config.evalInterval() == 0 || iteration == config.maxIters()) {
          Optional<Metrics.Evaluation> measured =
              FlightRecord.evaluation(() -> evaluate(listener, stop));
          if (measured.isEmpty()) {
            save(log); // a resumed run begins with the evaluation
            return Outcome.STOPPED;
          }
          log.append(measured.get());
          keep(measured.get(), log);
          saved = System.nanoTime();
          listener.onEvaluation(measured.get());
        }
        if (iteration == config.maxIters()) {
          return Outcome.FINISHED;
        }
        Optional<Metrics.Step> measured = FlightRecord.step(() -> iterate(stop));
        if (measured.isEmpty()) {
          save(log); // a resumed run begins with this iteration
          return Outcome.STOPPED;
        }
        log.append(measured.get());
        listener.onStep(measured.get());
        if (stop.getAsBoolean()) {
          save(log);
          return Outcome.STOPPED;
        }
        if (config.alwaysSaveCheckpoint() && System.nanoTime() - saved > SAVE_EVERY_NANOS) {
          save(log);
          saved = System.nanoTime();
        }
      }
    } catch (DeviceLostException e) {
      throw checkpoints.withKept(e);
    }
  }

  private MetricsLog openLog(Listener listener) {
    return iteration > 0 || Files.exists(log(folder))
        ? MetricsLog.resume(log(folder), iteration, listener::onNotice)
        : MetricsLog.create(log(folder));
  }

  private Optional<Metrics.Evaluation> evaluate(Listener listener, BooleanSupplier stop) {
    OptionalDouble train = estimate(Split.TRAIN, listener, stop);
    OptionalDouble val = train.isEmpty() ? train : estimate(Split.VAL, listener, stop);
    if (val.isEmpty()) {
      return Optional.empty();
    }
    requireSane(val.getAsDouble(), "validation loss");
    return Optional.of(new Metrics.Evaluation(iteration, train.getAsDouble(), val.getAsDouble()));
  }

  private OptionalDouble estimate(Split split, Listener listener, BooleanSupplier stop) {
    int before = split.ordinal() * config.evalIters();
    int[] done = {0};
    return estimator.estimate(
        split,
        config.evalIters(),
        () -> {
          listener.onEvaluationBatch(iteration, before + done[0]++, 2 * config.evalIters());
          return !stop.getAsBoolean();
        });
  }

  private void keep(Metrics.Evaluation measured, MetricsLog log) {
    boolean better = measured.valLoss() < bestValLoss;
    if (better) {
      bestValLoss = measured.valLoss();
      if (iteration > 0) {
        checkpoints.saveBest(iteration);
      }
    }
    if (better || config.alwaysSaveCheckpoint()) {
      save(log);
    }
  }

  private void save(MetricsLog log) {
    log.sync(); // a resumed run must find every line that its checkpoint is past
    checkpoints.saveLast(new TrainingState(iteration, bestValLoss, fingerprint, config), optimizer);
  }

  private Optional<Metrics.Step> iterate(BooleanSupplier stop) {
    long start = System.nanoTime();
    int now = iteration;
    double lr = config.schedule().at(now);
    OptionalDouble done = step.run(now, lr, stop);
    if (done.isEmpty()) {
      return Optional.empty();
    }
    double loss = done.getAsDouble();
    double norm = clip.norm().toFloats()[0];
    requireSane(loss, "loss");
    requireSane(norm, "gradient norm");
    iteration++;
    double seconds = (System.nanoTime() - start) * 1e-9;
    long tokens = config.tokensPerIter();
    OptionalDouble mfu =
        peakFlops.isPresent()
            ? OptionalDouble.of(
                ModelFlops.perToken(model.config()) * tokens / seconds / peakFlops.getAsDouble())
            : OptionalDouble.empty();
    return Optional.of(new Metrics.Step(now, loss, lr, norm, seconds * 1e3, tokens / seconds, mfu));
  }

  /** Above four times the loss of guessing, a run does not come back. */
  private void requireSane(double value, String what) {
    double limit =
        what.equals("gradient norm")
            ? Double.MAX_VALUE
            : 4 * Math.log(model.config().vocabSize()) + 4;
    if (!(value <= limit)) {
      throw new JambicException(
          Text.format(
              "the %s is %s at iteration %d: training has diverged; %s; try a lower learning rate, more warm-up or clipping at a smaller gradient norm",
              what, value, iteration, checkpoints.kept()));
    }
  }

  /** Frees the model and all that trained it. */
  @Override
  public void close() {
    closed = true;
    activations.close();
    state.close();
    gradients.close();
    model.close();
    lock.close();
  }
}

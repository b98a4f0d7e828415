package jambic.train;

import jambic.model.ConfigMessage;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.Objective;
import jambic.train.parallel.DataParallel;
import jambic.train.plan.ModelFlops;
import jambic.train.run.Metrics;
import jambic.train.run.ResumeCheck;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener;
import jambic.train.run.RunLock;
import jambic.train.run.RunLoop;
import jambic.train.run.TrainingState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * A run: trains a GPT for a task, evaluates it now and then, and keeps everything in its folder.
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
  private final TrainConfig config;
  private final Gpt model;
  private final RunCheckpoints<?> checkpoints;
  private final Training training;
  private final LossEstimator estimator;
  private final RunLoop loop;
  private final OptionalDouble peakFlops;
  private final Optional<RunLock> lock; // of the rank that writes
  private boolean closed;

  private Trainer(
      Gpt model,
      TrainConfig config,
      TrainingTask task,
      String fingerprint,
      Optional<Tokenizer> tokenizer,
      Path folder,
      OptionalDouble peakFlops,
      DataParallel ranks,
      Optional<RunLock> lock) {
    this.lock = lock;
    this.model = model;
    this.config = config;
    checkpoints = new RunCheckpoints<>(folder, Gpt.FORMAT, model, tokenizer);
    this.peakFlops = peakFlops;
    Objective objective = task.objective(model, config);
    training = new Training(model, config, objective, ranks);
    estimator = new LossEstimator(model.backend(), objective, training.activations(), ranks);
    loop =
        new RunLoop(
            checkpoints, config, fingerprint, training.moments(), new LanguageModeling(), ranks);
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
    return begin(backend, config, data, tokenizer, folder, peakFlops, DataParallel.alone());
  }

  /**
   * Begins a rank's part of a run: every rank begins with the same configuration and data, and the
   * first one keeps the folder.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config every hyperparameter
   * @param data what to train on
   * @param tokenizer of the data
   * @param folder the run's; must not hold a run yet
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if they cannot share the micro batches, or differ
   *     in what they were started with
   */
  public static Trainer begin(
      Backend backend,
      TrainConfig config,
      Dataset data,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops,
      DataParallel ranks) {
    return begin(
        () -> new Gpt(backend, config.gpt(tokenizer.vocabSize()), config.init()),
        config,
        TrainingTask.nextTokens(data),
        tokenizer,
        folder,
        peakFlops,
        ranks);
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
   * @param task what it learns
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
      TrainingTask task,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops) {
    return begin(model, config, task, tokenizer, folder, peakFlops, DataParallel.alone());
  }

  /**
   * Begins a rank's part of a run with a model that is there already.
   *
   * @param model what is trained on, of the shape that {@code config} says; the run closes it
   * @param config every hyperparameter
   * @param task what it learns
   * @param tokenizer of the data and the model
   * @param folder the run's; must not hold a run yet
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if they cannot share the micro batches, or differ
   *     in what they were started with
   */
  public static Trainer begin(
      Gpt model,
      TrainConfig config,
      TrainingTask task,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops,
      DataParallel ranks) {
    return begin(() -> model, config, task, tokenizer, folder, peakFlops, ranks);
  }

  private static Trainer begin(
      Supplier<Gpt> model,
      TrainConfig config,
      TrainingTask task,
      Tokenizer tokenizer,
      Path folder,
      OptionalDouble peakFlops,
      DataParallel ranks) {
    ranks.share(config.gradientAccumulationSteps());
    task.requireIds(tokenizer.vocabSize());
    Gpt made = model.get();
    Optional<RunLock> lock = new Agreement(config, task.fingerprint(), 0).lock(made, folder, ranks);
    try {
      return new Trainer(
          made,
          config,
          task,
          task.fingerprint(),
          Optional.of(tokenizer),
          folder,
          peakFlops,
          ranks,
          lock);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
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
    RunConfig config =
        AtomicFolder.read(folder.resolve(RunCheckpoints.LAST), TrainingState::read).config();
    if (config instanceof TrainConfig ofGpt) {
      return ofGpt;
    }
    throw new JambicException(folder + " trains a translator; resume it with TranslatorTrainer");
  }

  /**
   * Takes up a run where its last checkpoint left it.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config {@link #configOf} the folder, perhaps with more iterations
   * @param task what it has learned so far
   * @param folder the run's
   * @param bases find the model that the run's adapters belong to
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @return the run, to be closed
   * @throws JambicException if there is no run, it is damaged, or it trained on other data
   */
  public static Trainer resume(
      Backend backend,
      TrainConfig config,
      TrainingTask task,
      Path folder,
      BaseModelResolver bases,
      OptionalDouble peakFlops) {
    return resume(backend, config, task, folder, bases, peakFlops, DataParallel.alone());
  }

  /**
   * Takes up a rank's part of a run. All ranks read the checkpoint, which any number of them may
   * have written.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config {@link #configOf} the folder, perhaps with more iterations
   * @param task what it has learned so far
   * @param folder the run's
   * @param bases find the model that the run's adapters belong to
   * @param peakFlops the backend's peak, in FLOP/s, to compute MFU with
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if they cannot share the micro batches, or differ
   *     in what they were started with
   */
  public static Trainer resume(
      Backend backend,
      TrainConfig config,
      TrainingTask task,
      Path folder,
      BaseModelResolver bases,
      OptionalDouble peakFlops,
      DataParallel ranks) {
    ranks.share(config.gradientAccumulationSteps());
    Path last = folder.resolve(RunCheckpoints.LAST);
    configOf(folder); // leaves no lock where there is no run
    Optional<RunLock> lock = RunLock.ofRun(folder, ranks);
    try {
      Checkpoint.requireReplaceable(folder.resolve(RunCheckpoints.BEST));
      return AtomicFolder.read(
              last,
              whole -> restore(backend, config, task, whole, folder, bases, peakFlops, ranks, lock))
          .agreed(ranks);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
      throw e;
    }
  }

  private static Trainer restore(
      Backend backend,
      TrainConfig config,
      TrainingTask task,
      Path last,
      Path folder,
      BaseModelResolver bases,
      OptionalDouble peakFlops,
      DataParallel ranks,
      Optional<RunLock> lock)
      throws IOException {
    TrainingState saved = TrainingState.read(last);
    String fingerprint = task.fingerprint();
    Optional<ConfigMessage> changes = ResumeCheck.check(saved, config, fingerprint, folder);
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, last, bases)) {
      GptConfig stored = checkpoint.config();
      GptConfig shape = config.model().gpt(stored);
      if (!shape.equals(checkpoint.config())) {
        throw new JambicException(
            last
                + " is damaged: its training.json and config.json tell of different models; restore"
                + " it");
      }
      Gpt model = checkpoint.resumed(backend);
      Trainer trainer =
          new Trainer(
              model,
              config,
              task,
              fingerprint,
              checkpoint.tokenizer(),
              folder,
              peakFlops,
              ranks,
              lock);
      TrainingState.readMoments(last, trainer.training.moments(), ranks);
      trainer.loop.resume(saved, changes);
      return trainer;
    }
  }

  /** Refuses ranks that do not begin with the same. */
  private Trainer agreed(DataParallel ranks) {
    try {
      new Agreement(config, loop.fingerprint(), loop.iteration()).require(model, ranks);
      return this;
    } catch (RuntimeException | Error e) {
      training.close();
      model.close();
      throw e;
    }
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
    return loop.iteration();
  }

  /**
   * Trains until all iterations are done, or the thread is interrupted.
   *
   * @param listener hears of progress
   * @return how it ended
   * @throws JambicException as {@link #run(RunListener, BooleanSupplier)}
   */
  public RunLoop.Outcome run(RunListener listener) {
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
  public RunLoop.Outcome run(RunListener listener, BooleanSupplier stop) {
    Objects.requireNonNull(listener, "listener");
    Objects.requireNonNull(stop, "stop");
    if (closed) {
      throw new JambicException("the run is closed; resume it");
    }
    return loop.run(listener, stop);
  }

  /** The mean loss of both splits, and one step after the other. */
  private final class LanguageModeling implements RunLoop.Stage {
    @Override
    public Optional<Metrics.Evaluation> evaluate(
        int iteration, RunListener listener, BooleanSupplier stop) {
      OptionalDouble train = estimate(Split.TRAIN, iteration, listener, stop);
      OptionalDouble val = train.isEmpty() ? train : estimate(Split.VAL, iteration, listener, stop);
      if (val.isEmpty()) {
        return Optional.empty();
      }
      requireSane(val.getAsDouble(), "validation loss", iteration);
      return Optional.of(new Metrics.Evaluation(iteration, train.getAsDouble(), val.getAsDouble()));
    }

    private OptionalDouble estimate(
        Split split, int iteration, RunListener listener, BooleanSupplier stop) {
      int before = split.ordinal() * config.run().evalIters();
      int[] done = {0};
      return estimator.estimate(
          split,
          config.run().evalIters(),
          () -> {
            listener.onEvaluationBatch(iteration, before + done[0]++, 2 * config.run().evalIters());
            return !stop.getAsBoolean();
          });
    }

    @Override
    public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
      long start = System.nanoTime();
      double lr = config.optimizer().rates().at(iteration);
      OptionalDouble done = training.step().run(iteration, lr, stop);
      if (done.isEmpty()) {
        return Optional.empty();
      }
      double loss = done.getAsDouble();
      double norm = training.clip().norm().toFloats()[0];
      requireSane(loss, "loss", iteration);
      requireSane(norm, "gradient norm", iteration);
      double seconds = (System.nanoTime() - start) * 1e-9;
      long tokens = config.tokensPerIter();
      OptionalDouble mfu =
          peakFlops.isPresent()
              ? OptionalDouble.of(
                  ModelFlops.perToken(model.config()) * tokens / seconds / peakFlops.getAsDouble())
              : OptionalDouble.empty();
      return Optional.of(
          new Metrics.Step(
              iteration,
              loss,
              lr,
              norm,
              seconds * 1e3,
              tokens / seconds,
              mfu,
              training.step().numbers()));
    }
  }

  /** Above four times the loss of guessing, a run does not come back. */
  private void requireSane(double value, String what, int iteration) {
    double limit =
        what.equals("gradient norm")
            ? Double.MAX_VALUE
            : 4 * Math.log(model.config().vocabSize()) + 4;
    if (!(value <= limit)) {
      throw new JambicException(
          Text.format(
              "the %s is %s at iteration %d: training has diverged; %s; try a lower learning rate,"
                  + " more warm-up or clipping at a smaller gradient norm",
              what, value, iteration, checkpoints.kept()));
    }
  }

  /** Frees the model and all that trained it. */
  @Override
  public void close() {
    closed = true;
    training.close();
    model.close();
    lock.ifPresent(RunLock::close);
  }
}

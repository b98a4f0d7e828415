package jambic.train.run;

import jambic.model.ConfigMessage;
import jambic.tensor.DeviceLostException;
import jambic.train.config.RunConfig;
import jambic.train.optim.Moment;
import jambic.train.parallel.DataParallel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The training loop that every kind of training shares: it evaluates now and then, keeps the best
 * checkpoint and the newest ones, logs, stops when asked, and goes on where it stopped.
 */
public final class RunLoop {
  private static final long SAVE_EVERY_NANOS = 300_000_000_000L;

  /** How a run came to its end. */
  public enum Outcome {
    /** All iterations are done. */
    FINISHED,
    /** It was asked to stop, and saved. */
    STOPPED
  }

  /** One kind of training: what an iteration is, and how the model is measured. */
  public interface Stage {
    /**
     * Runs an iteration.
     *
     * @param iteration its number, from 0
     * @param stop asked on the way
     * @return what it measured; empty if it was stopped: the partial iteration is discarded
     */
    Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop);

    /**
     * Measures the model.
     *
     * @param iteration the updates behind it
     * @param listener hears of each batch
     * @param stop asked on the way
     * @return what it measured; empty if it was stopped
     */
    Optional<Metrics.Evaluation> evaluate(
        int iteration, RunListener listener, BooleanSupplier stop);

    /**
     * Tells which of two evaluations is of the better model: the one with less of this.
     *
     * @param measured an evaluation
     * @return the validation loss, unless the stage knows better
     */
    default double criterion(Metrics.Evaluation measured) {
      return measured.valLoss();
    }

    /**
     * Writes what the newest checkpoint holds besides model, moments and configuration.
     *
     * @param checkpoint the folder that becomes the checkpoint when all is written
     * @throws IOException if that fails
     */
    default void save(Path checkpoint) throws IOException {}
  }

  private final RunCheckpoints<?> checkpoints;
  private final RunConfig config;
  private final String fingerprint;
  private final Map<String, Moment> moments;
  private final Stage stage;
  private final DataParallel ranks;
  private int iteration;
  private double bestValLoss = Double.POSITIVE_INFINITY;
  private Optional<ConfigMessage> notice = Optional.empty();

  /**
   * Begins a run.
   *
   * @param checkpoints of the run's folder
   * @param config how many iterations, and when to evaluate and to save
   * @param fingerprint of the data, which resuming compares
   * @param moments what optimizers keep from one update to the next, by name
   * @param stage the kind of training
   */
  public RunLoop(
      RunCheckpoints<?> checkpoints,
      RunConfig config,
      String fingerprint,
      Map<String, Moment> moments,
      Stage stage) {
    this(checkpoints, config, fingerprint, moments, stage, DataParallel.alone());
  }

  /**
   * Begins a rank's part of a run: the first one keeps the folder, and all stop together.
   *
   * @param checkpoints of the run's folder
   * @param config how many iterations, and when to evaluate and to save
   * @param fingerprint of the data, which resuming compares
   * @param moments what optimizers keep from one update to the next, by name
   * @param stage the kind of training
   * @param ranks that train together
   */
  public RunLoop(
      RunCheckpoints<?> checkpoints,
      RunConfig config,
      String fingerprint,
      Map<String, Moment> moments,
      Stage stage,
      DataParallel ranks) {
    this.ranks = ranks;
    this.checkpoints = checkpoints;
    this.config = config;
    this.fingerprint = fingerprint;
    this.moments = moments;
    this.stage = stage;
  }

  /**
   * Goes on where a checkpoint was saved.
   *
   * @param saved what it holds
   * @param changes a sentence about what differs since, if anything does
   */
  public void resume(TrainingState saved, Optional<ConfigMessage> changes) {
    iteration = saved.iteration();
    bestValLoss = saved.bestValLoss();
    notice = changes;
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
   * What the data is, and nothing else.
   *
   * @return its fingerprint
   */
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Trains until all iterations are done, someone asks to stop, or the thread is interrupted.
   *
   * @param listener hears of progress
   * @param stopRequested whether to stop
   * @return how it ended; either way the newest checkpoint is saved
   */
  public Outcome run(RunListener listener, BooleanSupplier stopRequested) {
    BooleanSupplier stop =
        ranks.ofAny(() -> stopRequested.getAsBoolean() || Thread.currentThread().isInterrupted());
    notice.ifPresent(listener::onNotice);
    notice = Optional.empty();
    try (RunWriter writer = open(listener)) {
      long saved = System.nanoTime();
      while (true) {
        if (iteration % config.run().evalInterval() == 0 || iteration == config.run().maxIters()) {
          Optional<Metrics.Evaluation> measured =
              TrainingEvents.evaluation(() -> stage.evaluate(iteration, listener, stop));
          if (measured.isEmpty()) {
            save(writer); // a resumed run begins with the evaluation
            return Outcome.STOPPED;
          }
          writer.append(measured.get());
          saveIfBest(measured.get(), writer);
          saved = System.nanoTime();
          listener.onEvaluation(measured.get());
        }
        if (iteration == config.run().maxIters()) {
          if (config.run().average() > 0) {
            writer.averaged(iteration, config.run().average());
          }
          return Outcome.FINISHED;
        }
        Optional<Metrics.Step> measured = TrainingEvents.step(() -> stage.iterate(iteration, stop));
        if (measured.isEmpty()) {
          save(writer); // a resumed run begins with this iteration
          return Outcome.STOPPED;
        }
        iteration++;
        writer.append(measured.get());
        listener.onStep(measured.get());
        if (stop.getAsBoolean()) {
          save(writer);
          return Outcome.STOPPED;
        }
        long since = System.nanoTime() - saved;
        if (config.run().alwaysSaveCheckpoint() && ranks.ofFirst(since > SAVE_EVERY_NANOS)) {
          save(writer);
          saved = System.nanoTime();
        }
      }
    } catch (DeviceLostException e) {
      throw checkpoints.withKept(e);
    }
  }

  private RunWriter open(RunListener listener) {
    return ranks.isFirst()
        ? RunWriter.ToFolder.at(iteration, checkpoints, listener)
        : new RunWriter.Elsewhere();
  }

  private void saveIfBest(Metrics.Evaluation measured, RunWriter writer) {
    if (iteration > 0 && config.run().average() > 0) {
      writer.keep(iteration, config.run().average()); // before a checkpoint that is past it
    }
    double criterion = stage.criterion(measured);
    boolean better = criterion < bestValLoss;
    if (better) {
      bestValLoss = criterion;
      if (iteration > 0) {
        writer.best(iteration);
      }
    }
    if (better || config.run().alwaysSaveCheckpoint()) {
      save(writer);
    }
  }

  private void save(RunWriter writer) {
    writer.last(
        new TrainingState(iteration, bestValLoss, fingerprint, config), moments, stage::save);
  }
}

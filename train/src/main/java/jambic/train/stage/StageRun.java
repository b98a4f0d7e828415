package jambic.train.stage;

import jambic.model.ConfigMessage;
import jambic.model.Model;
import jambic.model.ModelConfig;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.io.AtomicFolder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.Agreement;
import jambic.train.parallel.DataParallel;
import jambic.train.run.ResumeCheck;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener;
import jambic.train.run.RunLock;
import jambic.train.run.RunLoop;
import jambic.train.run.TrainingState;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A run of a stage: the folder, and what it promises, are those of {@link jambic.train.Trainer}. A
 * run that is killed and resumed goes on with the same bits.
 *
 * @param <M> the model that is trained
 */
public final class StageRun<M extends Model> implements AutoCloseable {
  private final M model;
  private final StageWork work;
  private final RunLoop loop;
  private final Optional<RunLock> lock; // of the rank that writes

  private StageRun(M model, StageWork work, RunLoop loop, Optional<RunLock> lock) {
    this.model = model;
    this.work = work;
    this.loop = loop;
    this.lock = lock;
  }

  /**
   * Says what a stage trains.
   *
   * @param <C> the shape of the model
   * @param <M> the model
   * @param format how it is stored
   * @param config every hyperparameter
   * @param fingerprint of all that the stage reads: data and other models
   * @param template how the model is talked to, if it is by a template
   * @param work makes what trains the model
   */
  public record Plan<C extends ModelConfig, M extends Model>(
      ModelFormat<C, M> format,
      StageConfig config,
      String fingerprint,
      Optional<ChatTemplate> template,
      Function<M, StageWork> work) {}

  /**
   * Begins a run.
   *
   * @param <C> the shape of the model
   * @param <M> the model
   * @param plan what it trains
   * @param model makes the model, which the run closes
   * @param tokenizer of the model
   * @param folder the run's; must not hold a run yet
   * @return the run, to be closed
   * @throws JambicException if the folder holds a run or something else that would be overwritten,
   *     or another process trains there
   */
  public static <C extends ModelConfig, M extends Model> StageRun<M> begin(
      Plan<C, M> plan, Supplier<M> model, Optional<Tokenizer> tokenizer, Path folder) {
    return begin(plan, model, tokenizer, folder, DataParallel.alone());
  }

  /**
   * Begins a rank's part of a run, whose work was made for the same ranks.
   *
   * @param <C> the shape of the model
   * @param <M> the model
   * @param plan what it trains
   * @param model makes the model, which the run closes
   * @param tokenizer of the model
   * @param folder the run's; must not hold a run yet
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if the stage cannot be shared, or ranks differ in
   *     what they were started with
   */
  public static <C extends ModelConfig, M extends Model> StageRun<M> begin(
      Plan<C, M> plan,
      Supplier<M> model,
      Optional<Tokenizer> tokenizer,
      Path folder,
      DataParallel ranks) {
    M made = model.get();
    Optional<RunLock> lock =
        new Agreement(plan.config(), plan.fingerprint(), 0).lock(made, folder, ranks);
    try {
      return of(plan, made, tokenizer, folder, ranks, lock);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
      throw e;
    }
  }

  /** Refuses ranks that do not begin with the same. */
  private StageRun<M> agreed(Plan<?, M> plan, DataParallel ranks) {
    try {
      new Agreement(plan.config(), plan.fingerprint(), loop.iteration()).require(model, ranks);
      return this;
    } catch (RuntimeException | Error e) {
      work.close();
      model.close();
      throw e;
    }
  }

  private static <C extends ModelConfig, M extends Model> StageRun<M> of(
      Plan<C, M> plan,
      M model,
      Optional<Tokenizer> tokenizer,
      Path folder,
      DataParallel ranks,
      Optional<RunLock> lock) {
    try {
      StageWork work = plan.work().apply(model);
      if (ranks.isShared() && !work.isShareable()) {
        work.close();
        throw new JambicException(
            Text.format(
                "%s trains on one process only, not on %d ranks; start it without a launcher",
                plan.config().stage(), ranks.size()));
      }
      RunLoop loop =
          new RunLoop(
              new RunCheckpoints<>(folder, plan.format(), model, tokenizer, plan.template()),
              plan.config(),
              plan.fingerprint(),
              work.moments(),
              work,
              ranks);
      return new StageRun<>(model, work, loop, lock);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /**
   * Tells what a run's folder says about itself.
   *
   * @param <C> the stage's configuration
   * @param type the same
   * @param stage the stage's name
   * @param folder the run's
   * @return its hyperparameters
   * @throws JambicException if there is no run to resume, or one of another stage
   */
  public static <C extends Record & StageConfig> C configOf(
      Class<C> type, String stage, Path folder) {
    return type.cast(
        AtomicFolder.read(
                folder.resolve(RunCheckpoints.LAST),
                last -> TrainingState.read(last, StageConfig.reader(type, stage)))
            .config());
  }

  /**
   * Takes up a run where its last checkpoint left it.
   *
   * @param <C> the shape of the model
   * @param <M> the model
   * @param plan what it trains, with {@link #configOf} the folder, perhaps with more iterations
   * @param backend where it computes; stays the caller's to close
   * @param bases find the model that the run's adapters belong to
   * @param folder the run's
   * @return the run, to be closed
   * @throws JambicException if there is no run, it is damaged, or it trained on other data
   */
  public static <C extends ModelConfig, M extends Model> StageRun<M> resume(
      Plan<C, M> plan, Backend backend, BaseModelResolver bases, Path folder) {
    return resume(plan, backend, bases, folder, DataParallel.alone());
  }

  /**
   * Takes up a rank's part of a run, whose work was made for the same ranks. All ranks read the
   * checkpoint, which any number of them may have written.
   *
   * @param <C> the shape of the model
   * @param <M> the model
   * @param plan what it trains, with {@link #configOf} the folder, perhaps with more iterations
   * @param backend where it computes; stays the caller's to close
   * @param bases find the model that the run's adapters belong to
   * @param folder the run's
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if the stage cannot be shared, or ranks differ in
   *     what they were started with
   */
  public static <C extends ModelConfig, M extends Model> StageRun<M> resume(
      Plan<C, M> plan, Backend backend, BaseModelResolver bases, Path folder, DataParallel ranks) {
    Optional<RunLock> lock = RunLock.ofRun(folder, ranks);
    try {
      Checkpoint.requireReplaceable(folder.resolve(RunCheckpoints.BEST));
      return AtomicFolder.<StageRun<M>>read(
              folder.resolve(RunCheckpoints.LAST),
              last -> {
                TrainingState saved =
                    TrainingState.read(
                        last, (values, json, name) -> stored(plan, values, json, name));
                Optional<ConfigMessage> changes =
                    ResumeCheck.check(saved, plan.config(), plan.fingerprint(), folder);
                try (Checkpoint<C, M> checkpoint = Checkpoint.open(plan.format(), last, bases)) {
                  StageRun<M> run =
                      of(
                          plan,
                          checkpoint.resumed(backend),
                          checkpoint.tokenizer(),
                          folder,
                          ranks,
                          lock);
                  try {
                    TrainingState.readMoments(last, run.work.moments(), ranks);
                    run.work.load(last);
                  } catch (IOException | RuntimeException | Error e) {
                    run.work.close();
                    run.model.close();
                    throw e;
                  }
                  run.loop.resume(saved, changes);
                  return run;
                }
              })
          .agreed(plan, ranks);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
      throw e;
    }
  }

  @SuppressWarnings("unchecked") // configurations of stages are records
  private static <T extends Record & StageConfig> StageConfig stored(
      Plan<?, ?> plan, Map<?, ?> values, String json, String name) {
    Class<T> type = (Class<T>) plan.config().getClass();
    return (StageConfig) StageConfig.reader(type, plan.config().stage()).read(values, json, name);
  }

  /**
   * Returns the model being trained.
   *
   * @return the model, which closes with the run
   */
  public M model() {
    return model;
  }

  /**
   * Returns the updates done so far.
   *
   * @return the iteration that comes next
   */
  public int iteration() {
    return loop.iteration();
  }

  /**
   * Trains until all iterations are done or someone asks to stop, be it by interrupting the thread.
   *
   * @param listener hears of progress
   * @param stop asked after every iteration, and on the way; an iteration that it cuts short has
   *     not happened
   * @return how it ended; either way the newest checkpoint is {@code last}
   * @throws JambicException if training diverges, the folder cannot be written or the device is
   *     lost; the last good checkpoint stays; or if this is closed
   */
  public RunLoop.Outcome run(RunListener listener, BooleanSupplier stop) {
    model.requireOpen();
    return loop.run(listener, stop);
  }

  /** Frees the model and all that trained it. */
  @Override
  public void close() {
    work.close();
    model.close();
    lock.ifPresent(RunLock::close);
  }
}

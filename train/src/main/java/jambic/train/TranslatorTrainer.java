package jambic.train;

import jambic.model.ConfigMessage;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.io.AtomicFolder;
import jambic.model.text.Tokenizer;
import jambic.model.text.TranslationTokens;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.TranslationSettings;
import jambic.model.translator.TranslationTokenizer;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.config.TranslationConfig;
import jambic.train.data.Dataset.Split;
import jambic.train.metric.Bleu;
import jambic.train.metric.ChrF;
import jambic.train.objective.TargetPrediction;
import jambic.train.pairs.EncodedPairs;
import jambic.train.pairs.Pair;
import jambic.train.pairs.PairBatch;
import jambic.train.pairs.PairBatches;
import jambic.train.pairs.PairSplit;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.ResumeCheck;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener;
import jambic.train.run.RunLock;
import jambic.train.run.RunLoop;
import jambic.train.run.TrainingState;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * A run that trains a translator: the folder and what it promises are those of {@link Trainer}. An
 * evaluation measures the loss of both splits, and translates some of the held-out pairs greedily
 * for their BLEU and chrF.
 */
public final class TranslatorTrainer implements AutoCloseable {
  /** Held-out pairs that an evaluation translates at most. */
  private static final int TRANSLATED = 200;

  /** Those of them that a listener hears of. */
  private static final int SHOWN = 5;

  private final TranslationConfig config;
  private final Translator model;
  private final Tokenizer tokenizer;
  private final List<Pair> translated;
  private final TargetPrediction objective;
  private final Training training;
  private final LossEstimator estimator;
  private final RunCheckpoints<Translator> checkpoints;
  private final RunLoop loop;
  private final Optional<RunLock> lock; // of the rank that writes
  private int dropped;

  private TranslatorTrainer(
      Translator model,
      TranslationConfig config,
      PairSplit data,
      Tokenizer tokenizer,
      Path folder,
      DataParallel ranks,
      Optional<RunLock> lock) {
    this.model = model;
    this.config = config;
    this.tokenizer = tokenizer;
    this.lock = lock;
    translated = data.valid().subList(0, Math.min(TRANSLATED, data.valid().size()));
    PairBatches batches = batches("the pairs to train on", data.train(), config.seed());
    List<PairBatch> estimate = batches.sequential();
    int every = Math.max(1, estimate.size() / config.run().evalIters()); // of all lengths
    objective =
        new TargetPrediction(
            model,
            batches,
            IntStream.range(0, estimate.size())
                .filter(i -> i % every == 0)
                .limit(config.run().evalIters())
                .mapToObj(estimate::get)
                .toList(),
            batches("the pairs to measure with", data.valid(), config.seed()).sequential().stream()
                .limit(config.run().evalIters())
                .toList(),
            config.batch().gradientAccumulationSteps(),
            (float) config.batch().labelSmoothing());
    training = new Training(model, config, objective, ranks);
    estimator = new LossEstimator(model.backend(), objective, training.activations(), ranks);
    checkpoints = new RunCheckpoints<>(folder, Translator.FORMAT, model, Optional.of(tokenizer));
    loop =
        new RunLoop(
            checkpoints, config, data.fingerprint(), training.moments(), new Translating(), ranks);
  }

  private PairBatches batches(String name, List<Pair> pairs, long seed) {
    EncodedPairs encoded = EncodedPairs.of(name, pairs, tokenizer, config.model().maxLength());
    dropped += encoded.tooLong();
    TranslatorConfig shape = model.config();
    return new PairBatches(
        encoded, config.batch().batchTokens(), shape.startToken(), shape.padToken(), seed);
  }

  /**
   * Begins a run.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config every hyperparameter
   * @param data the pairs
   * @param tokenizer of both languages, which ends a text with its end token
   * @param folder the run's; must not hold a run yet
   * @return the run, to be closed
   * @throws JambicException if the folder holds a run or something else that would be overwritten,
   *     another process trains there, the tokenizer lacks a translator's special tokens, or no pair
   *     is short enough
   */
  public static TranslatorTrainer begin(
      Backend backend, TranslationConfig config, PairSplit data, Tokenizer tokenizer, Path folder) {
    return begin(backend, config, data, tokenizer, folder, DataParallel.alone());
  }

  /**
   * Begins a rank's part of a run: every rank begins with the same configuration and data, and the
   * first one keeps the folder.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config every hyperparameter
   * @param data the pairs
   * @param tokenizer of both languages, which ends a text with its end token
   * @param folder the run's; must not hold a run yet
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if they cannot share the micro batches, or differ
   *     in what they were started with
   */
  public static TranslatorTrainer begin(
      Backend backend,
      TranslationConfig config,
      PairSplit data,
      Tokenizer tokenizer,
      Path folder,
      DataParallel ranks) {
    requireSpecialTokens(tokenizer);
    ranks.share(config.gradientAccumulationSteps());
    Translator model =
        new Translator(backend, config.model().translator(tokenizer.vocabSize()), config.seed());
    Optional<RunLock> lock =
        new Agreement(config, data.fingerprint(), 0).lock(model, folder, ranks);
    try {
      return new TranslatorTrainer(model, config, data, tokenizer, folder, ranks, lock);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
      throw e;
    }
  }

  /** A new model's ids of these tokens are fixed. */
  private static void requireSpecialTokens(Tokenizer tokenizer) {
    List<String> tokens = TranslationTokens.ALL;
    int end = tokens.indexOf(TranslationTokens.END);
    boolean theirs =
        IntStream.range(0, tokens.size())
            .allMatch(i -> tokenizer.specialTokens().getOrDefault(tokens.get(i), -1) == i);
    if (!theirs
        || tokenizer.promptBegin().length > 0
        || !Arrays.equals(tokenizer.promptEnd(), new int[] {end})) {
      throw new JambicException(
          Text.format(
              "the tokenizer is no translator's: its first tokens must be %s, and %s must end a"
                  + " text; take that of a translator trained here, or learn one from the pairs",
              String.join(", ", tokens), TranslationTokens.END));
    }
  }

  /**
   * Tells what a run's folder says about itself.
   *
   * @param folder the run's
   * @return its hyperparameters; empty if it trains something else than a translator
   * @throws JambicException if there is no run to resume
   */
  public static Optional<TranslationConfig> configOf(Path folder) {
    RunConfig config =
        AtomicFolder.read(folder.resolve(RunCheckpoints.LAST), TrainingState::read).config();
    return config instanceof TranslationConfig ofTranslator
        ? Optional.of(ofTranslator)
        : Optional.empty();
  }

  /**
   * Takes up a run where its last checkpoint left it.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config {@link #configOf} the folder, perhaps with more iterations
   * @param data the pairs that it began with
   * @param folder the run's
   * @return the run, to be closed
   * @throws JambicException if there is no run, it is damaged, or it trained on other data
   */
  public static TranslatorTrainer resume(
      Backend backend, TranslationConfig config, PairSplit data, Path folder) {
    return resume(backend, config, data, folder, DataParallel.alone());
  }

  /**
   * Takes up a rank's part of a run. All ranks read the checkpoint, which any number of them may
   * have written.
   *
   * @param backend where it computes; stays the caller's to close
   * @param config {@link #configOf} the folder, perhaps with more iterations
   * @param data the pairs that it began with
   * @param folder the run's
   * @param ranks that train together
   * @return the run, to be closed
   * @throws JambicException as without ranks, or if they cannot share the micro batches, or differ
   *     in what they were started with
   */
  public static TranslatorTrainer resume(
      Backend backend, TranslationConfig config, PairSplit data, Path folder, DataParallel ranks) {
    ranks.share(config.gradientAccumulationSteps());
    configOf(folder); // leaves no lock where there is no run
    Optional<RunLock> lock = RunLock.ofRun(folder, ranks);
    try {
      Checkpoint.requireReplaceable(folder.resolve(RunCheckpoints.BEST));
      return AtomicFolder.read(
              folder.resolve(RunCheckpoints.LAST),
              last -> {
                TrainingState saved = TrainingState.read(last);
                Optional<ConfigMessage> changes =
                    ResumeCheck.check(saved, config, data.fingerprint(), folder);
                try (Checkpoint<TranslatorConfig, Translator> checkpoint =
                    Checkpoint.open(Translator.FORMAT, last)) {
                  Tokenizer tokenizer =
                      checkpoint
                          .tokenizer()
                          .orElseThrow(() -> new JambicException(last + " has no tokenizer.json"));
                  TranslatorConfig shape = config.model().translator(tokenizer.vocabSize());
                  if (!shape.equals(checkpoint.config())) {
                    throw new JambicException(
                        last
                            + " is damaged: its training.json and config.json tell of different"
                            + " models; restore it");
                  }
                  TranslatorTrainer trainer =
                      new TranslatorTrainer(
                          checkpoint.model(backend), config, data, tokenizer, folder, ranks, lock);
                  TrainingState.readMoments(last, trainer.training.moments(), ranks);
                  trainer.loop.resume(saved, changes);
                  return trainer;
                }
              })
          .agreed(ranks);
    } catch (RuntimeException | Error e) {
      lock.ifPresent(RunLock::discard);
      throw e;
    }
  }

  /** Refuses ranks that do not begin with the same. */
  private TranslatorTrainer agreed(DataParallel ranks) {
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
   * Returns the model being trained.
   *
   * @return the model, which closes with the run
   */
  public Translator model() {
    return model;
  }

  /**
   * Returns the tokenizer of both languages.
   *
   * @return the tokenizer
   */
  public Tokenizer tokenizer() {
    return tokenizer;
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
   * Returns how many pairs are left out, as a side of them is too long.
   *
   * @return the number
   */
  public int dropped() {
    return dropped;
  }

  /**
   * Trains until all iterations are done or someone asks to stop, as {@link Trainer#run} does.
   *
   * @param listener hears of progress
   * @param stop asked after every iteration, and between the batches of one and of an evaluation
   * @return how it ended; either way the newest checkpoint is {@code last}
   * @throws JambicException as {@link Trainer#run}
   */
  public RunLoop.Outcome run(RunListener listener, BooleanSupplier stop) {
    model.requireOpen();
    return loop.run(listener, stop);
  }

  /** The mean loss of both splits and the quality of translations, and one step after the other. */
  private final class Translating implements RunLoop.Stage {
    @Override
    public Optional<Metrics.Evaluation> evaluate(
        int iteration, RunListener listener, BooleanSupplier stop) {
      int all = objective.batches(Split.TRAIN) + objective.batches(Split.VAL);
      int[] done = {0};
      BooleanSupplier goOn =
          () -> {
            listener.onEvaluationBatch(iteration, done[0]++, all);
            return !stop.getAsBoolean();
          };
      OptionalDouble train = estimator.estimate(Split.TRAIN, objective.batches(Split.TRAIN), goOn);
      OptionalDouble val =
          train.isEmpty()
              ? train
              : estimator.estimate(Split.VAL, objective.batches(Split.VAL), goOn);
      if (val.isEmpty()) {
        return Optional.empty();
      }
      requireSane(val.getAsDouble(), "validation loss", iteration);
      List<List<String>> references = List.of(translated.stream().map(Pair::target).toList());
      List<String> hypotheses = translate();
      listener.onSamples(iteration, samples(hypotheses));
      return Optional.of(
          new Metrics.Evaluation(
              iteration,
              train.getAsDouble(),
              val.getAsDouble(),
              OptionalDouble.of(Bleu.STANDARD.score(hypotheses, references).score()),
              OptionalDouble.of(ChrF.STANDARD.score(hypotheses, references))));
    }

    @Override
    public Optional<Metrics.Step> iterate(int iteration, BooleanSupplier stop) {
      long start = System.nanoTime();
      double lr = config.optimizer().rates().at(iteration);
      OptionalDouble done = training.step().run(iteration, lr, stop);
      if (done.isEmpty()) {
        return Optional.empty();
      }
      double norm = training.clip().norm().toFloats()[0];
      requireSane(done.getAsDouble(), "loss", iteration);
      requireFinite(norm, "gradient norm", iteration);
      double seconds = (System.nanoTime() - start) * 1e-9;
      long tokens = objective.targets(iteration);
      return Optional.of(
          new Metrics.Step(
              iteration,
              done.getAsDouble(),
              lr,
              norm,
              seconds * 1e3,
              tokens / seconds,
              OptionalDouble.empty(),
              training.step().numbers()));
    }
  }

  /** Translates some held-out pairs with the model as it is. */
  private List<String> translate() {
    TranslationSettings greedy = TranslationSettings.of(model.config()).withBeams(1);
    TranslationPipeline pipeline =
        new TranslationPipeline(model, TranslationTokenizer.of(tokenizer), greedy);
    return pipeline.translate(translated.stream().map(Pair::source).toList());
  }

  private List<RunListener.Sample> samples(List<String> hypotheses) {
    return IntStream.range(0, Math.min(SHOWN, hypotheses.size()))
        .mapToObj(i -> {
          Pair pair = translated.get(i);
          return new RunListener.Sample(
              pair.source(), hypotheses.get(i), Map.of("reference", pair.target()));
        })
        .toList();
  }

  private void requireSane(double value, String what, int iteration) {
    requireFinite(
        value <= 4 * Math.log(model.vocabSize()) + 4 ? value : Double.NaN, what, iteration);
  }

  /** Above four times the loss of guessing, a run does not come back. */
  private void requireFinite(double value, String what, int iteration) {
    if (!Double.isFinite(value)) {
      throw new JambicException(
          Text.format(
              "the %s is too large or no number at iteration %d: training has diverged; %s; try a"
                  + " lower learning rate, more warm-up or clipping at a smaller gradient norm",
              what, iteration, checkpoints.kept()));
    }
  }

  /** Frees the model and all that trained it. */
  @Override
  public void close() {
    training.close();
    model.close();
    lock.ifPresent(RunLock::close);
  }
}

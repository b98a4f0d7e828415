package jambic.app.align;

import jambic.app.cli.BackendOptions;
import jambic.app.cli.Interruptible;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.app.cli.Version;
import jambic.app.data.Sha256;
import jambic.app.ranks.RankOptions;
import jambic.app.run.RunDisplay;
import jambic.app.terminal.Terminal;
import jambic.model.Model;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.io.WeightFiles;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.config.FlatRecord;
import jambic.train.example.Dropped;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunLock;
import jambic.train.stage.FineTuning;
import jambic.train.stage.StageConfig;
import jambic.train.stage.StageRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Runs a stage's command: begins a run or goes on with one, shows how it goes, and says what it
 * came to.
 *
 * @param <C> the stage's configuration
 */
final class StageSession<C extends Record & StageConfig> {
  /** What a stage makes of what it is told. */
  interface Stage<C extends Record & StageConfig, M extends Model> {
    Loaded<M> load(StageSession<C> session, C config, Backend backend);
  }

  /** What is to be done with a model that is trained. */
  interface Result<M extends Model> {
    /** Says what to do next, after it did something perhaps. */
    List<String> finish(M model, Path folder, List<Metrics> log);
  }

  /**
   * A run that is ready to begin or to go on.
   *
   * @param config with its length
   * @param plan what trains
   * @param model makes the model of a new run
   * @param chosen what run.json is to say besides what all stages say
   * @param lines about data and model
   * @param result what is to be done when it is trained
   */
  record Loaded<M extends Model>(
      StageRun.Plan<?, M> plan,
      Supplier<M> model,
      Tokenizer tokenizer,
      Map<String, String> chosen,
      List<String> lines,
      Result<M> result) {}

  private final CommandSpec spec;
  private final Interruptible host;
  private final StageOptions options;
  private final Class<C> type;
  private final C defaults;
  private final Terminal terminal;
  private final Optional<RunRecord> recorded; // of a resumed run
  private final RankOptions shared;
  private final DataParallel ranks;

  /** A session of a stage that trains on one process only. */
  StageSession(
      CommandSpec spec, Interruptible host, StageOptions options, Class<C> type, C defaults) {
    this(spec, host, options, type, defaults, new RankOptions());
    if (ranks.isShared()) {
      throw new JambicException(
          Text.format(
              "%s trains on one process only, not on %d ranks; start it without a launcher",
              spec.qualifiedName(), ranks.size()));
    }
  }

  StageSession(
      CommandSpec spec,
      Interruptible host,
      StageOptions options,
      Class<C> type,
      C defaults,
      RankOptions shared) {
    this.shared = shared;
    ranks = shared.join(spec.commandLine(), host.job());
    this.spec = spec;
    this.host = host;
    this.options = options;
    this.type = type;
    this.defaults = defaults;
    terminal =
        shared.terminal(() ->
            options.json()
                ? Terminal.plain(spec.commandLine().getErr())
                : Terminal.of(spec.commandLine().getOut()));
    if (options.resume()) {
      options.out().ifPresent(shared::requireVisible);
    }
    recorded = options.resume() ? Optional.of(new RunFolder(resumed()).record()) : Optional.empty();
  }

  /** The ranks that train together. */
  DataParallel ranks() {
    return ranks;
  }

  Terminal terminal() {
    return terminal;
  }

  /** A choice of the run: what was typed or, of a resumed run, what is recorded. */
  Optional<String> chosen(String key, Optional<String> typed) {
    if (typed.isPresent() && options.resume()) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format("--resume goes on with the run's own --%s; leave it out", key));
    }
    return typed.or(() -> recorded.flatMap(record -> record.text(key)));
  }

  /** The same of what a new run needs. */
  String needed(String key, Optional<String> typed) {
    return chosen(key, typed)
        .orElseThrow(() ->
            options.resume()
                ? new JambicException(
                    Text.format("%s does not say what its --%s was", resumed(), key))
                : new ParameterException(
                    spec.commandLine(), Text.format("%s needs --%s", spec.qualifiedName(), key)));
  }

  /** A file or folder by a name that means the same from anywhere. */
  static Optional<String> lasting(Optional<Path> path) {
    return path.map(
        p -> Files.exists(p) ? p.toAbsolutePath().normalize().toString() : p.toString());
  }

  /** The checkpoint of the model to begin with. */
  Path init() {
    return options
        .models()
        .checkpoint(Path.of(needed(RunRecord.INIT, lasting(options.init()))), spec.commandLine());
  }

  /** What to learn from. */
  Path data() {
    return Path.of(needed(RunRecord.DATA, lasting(options.data())));
  }

  /** What run.json says of a stage, besides what is the same for all runs. */
  Map<String, String> choices(Map<String, Optional<String>> own) {
    Map<String, String> choices = new LinkedHashMap<>();
    choices.put(RunRecord.PRESET, defaults.stage());
    choices.put(RunRecord.INIT, needed(RunRecord.INIT, lasting(options.init())));
    choices.put(RunRecord.DATA, data().toString());
    List<String> tokens = chat().specialTokens(this);
    if (!tokens.isEmpty()) {
      choices.put(ChatOptions.TOKENS, String.join(",", tokens));
    }
    own.forEach((key, value) -> value.ifPresent(text -> choices.put(key, text)));
    return choices;
  }

  /** Identifies the files that the run learns from. */
  String fingerprint(Path file, Optional<Path> valid) {
    return sha256(file) + valid.map(held -> " " + sha256(held)).orElse("");
  }

  /** Identifies a model by its weights. */
  static String sha256Of(Path checkpoint) {
    Path adapters = checkpoint.resolve("adapter_model.safetensors");
    if (Files.exists(adapters)) { // of a base that they name by its own
      return sha256(adapters);
    }
    try (WeightFiles files = WeightFiles.open(checkpoint)) {
      return files.sha256();
    }
  }

  static String sha256(Path file) {
    try {
      return Sha256.of(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  /** Says what was passed over. */
  void tell(List<String> notices) {
    notices.forEach(line -> terminal.print("note     " + line));
  }

  void tell(List<String> notices, Dropped dropped) {
    tell(notices);
    dropped.sentence().ifPresent(line -> terminal.print("note     " + line));
    dropped.warnings().forEach(line -> terminal.print("warning  " + line));
  }

  ChatOptions chat() {
    return options.chat();
  }

  BaseModelResolver bases() {
    return options.models().bases(spec.commandLine());
  }

  CommandSpec spec() {
    return spec;
  }

  boolean resumes() {
    return options.resume();
  }

  /** Where the newest checkpoint of a resumed run lies. */
  Path last() {
    return resumed().resolve(RunCheckpoints.LAST);
  }

  private Path resumed() {
    Path folder =
        options
            .out()
            .orElseThrow(() ->
                new ParameterException(
                    spec.commandLine(), "--resume needs the run's folder; name it with --out"));
    if (!AtomicFolder.exists(folder.resolve(RunCheckpoints.LAST))) {
      throw new JambicException(
          folder + " holds no run to resume; leave --resume out to begin one there");
    }
    return folder;
  }

  /** A configuration of a length that follows from epochs, unless it was typed; flags count. */
  C lasting(C config, double epochs, long examples) {
    if (options.resume()) {
      return config;
    }
    FineTuning common = config.common();
    return withTyped(
        FlatRecord.with(
            type, config, common.lasting(epochs, examples, common.optimizer().learningRate())));
  }

  /** The same for a length that is the configuration's own. */
  C lasting(C config) {
    int iters = config.run().maxIters();
    long perUpdate =
        (long) config.common().batch().batchSize() * config.gradientAccumulationSteps();
    return lasting(config, 1, iters * perUpdate);
  }

  private C withTyped(C base) {
    Map<String, Object> typed = StageFlags.typed(spec, FlatRecord.names(type));
    if (typed.containsKey("maxIters")) {
      Map<String, Object> follows = new LinkedHashMap<>();
      int iters = FlatRecord.with(type, base, typed).run().maxIters();
      follows.put("lrDecayIters", iters);
      follows.put("warmupIters", iters / 30);
      follows.put("evalInterval", Math.max(1, Math.ceilDiv(iters, 10)));
      follows.putAll(typed);
      return FlatRecord.with(type, base, options.resume() ? typed : follows);
    }
    return FlatRecord.with(type, base, typed);
  }

  private C start() {
    if (options.resume()) {
      C own = StageRun.configOf(type, defaults.stage(), resumed());
      return FlatRecord.with(type, own, StageFlags.typed(spec, FlatRecord.names(type)));
    }
    Map<String, Object> typed = new LinkedHashMap<>(StageFlags.typed(spec, FlatRecord.names(type)));
    Object rate = typed.get("learningRate");
    if (rate != null && !typed.containsKey("minLr")) { // checked together, before the length
      typed.put("minLr", 0);
    }
    typed.keySet().removeIf(name -> name.equals("warmupIters") || name.equals("lrDecayIters"));
    return FlatRecord.with(type, defaults, typed);
  }

  /** Trains. */
  <M extends Model> int run(Stage<C, M> stage) {
    options.out().map(RunFolder::new).ifPresent(RunFolder::requireOwn);
    if (!options.resume()) {
      options.out().ifPresent(RunLock::requireVacant); // before anything that takes long
    }
    C config = start();
    BackendOptions computing = options.computing();
    computing.share(host.job());
    host.job().boundWarning().ifPresent(terminal::print);
    Function<String, Optional<String>> dtype =
        name -> recorded.map(record -> computing.dtype(record, name)).orElseGet(computing::dtype);
    try (Backend backend =
        computing.open(
            spec.commandLine(),
            recorded.flatMap(RunRecord::backend).orElse(BackendOptions.AUTO),
            dtype)) {
      Loaded<M> loaded = shared.firstOnFirst(() -> stage.load(this, config, backend));
      loaded.lines().forEach(terminal::print);
      RunFolder folder =
          options
              .out()
              .map(RunFolder::new)
              .orElseGet(() ->
                  new RunFolder(
                      shared.folder(() ->
                          RunFolder.fresh(
                                  Path.of("runs"),
                                  defaults.stage() + "-" + RunFolder.shortName(data().toString()))
                              .path())));
      try (StageRun<M> run = open(loaded, backend, folder.path())) {
        if (!ranks.isFirst()) {
          return display().join(run::run);
        }
        terminal.print("backend  " + backend.name() + ", " + backend.description());
        computing.passedOver().forEach(reason -> terminal.print("         " + reason));
        terminal.print("run      " + folder.path());
        StageConfig full = loaded.plan().config();
        Map<String, Optional<String>> chosen = new LinkedHashMap<>();
        loaded.chosen().forEach((key, value) -> chosen.put(key, Optional.of(value)));
        chosen.put(RunRecord.DTYPE, dtype.apply(backend.name()));
        folder.write(
            RunRecord.of(
                Version.own(),
                chosen,
                loaded.plan().fingerprint(),
                backend,
                run.model().parameters().count() + run.model().adapters().count(),
                full));
        return train(run, full, folder.path(), loaded.result());
      } finally {
        if (options.out().isEmpty() && ranks.isFirst()) {
          folder.deleteIfEmpty(); // of a run that did not begin
        }
      }
    }
  }

  private <M extends Model> StageRun<M> open(Loaded<M> loaded, Backend backend, Path folder) {
    return options.resume()
        ? StageRun.resume(loaded.plan(), backend, bases(), folder, ranks)
        : StageRun.begin(
            loaded.plan(), loaded.model(), Optional.of(loaded.tokenizer()), folder, ranks);
  }

  private <M extends Model> int train(
      StageRun<M> run, StageConfig config, Path folder, Result<M> result) {
    if (!display().show(config, folder, run::iteration, millis -> Optional.empty(), run::run)) {
      return Interruptible.INTERRUPTED;
    }
    List<Metrics> log = MetricsLog.read(folder.resolve(MetricsLog.FILE_NAME));
    RunDisplay.draw(terminal, log, folder);
    terminal.print("curve    " + folder.resolve(RunFolder.CURVES.getFirst()));
    result.finish(run.model(), folder, log).forEach(terminal::print);
    if (options.json()) {
      spec.commandLine().getOut().println(RunDisplay.json(summary(run.iteration(), log, folder)));
    }
    return host.interruption().isRequested() ? Interruptible.INTERRUPTED : 0;
  }

  private RunDisplay display() {
    return new RunDisplay(
        defaults.stage(),
        terminal,
        spec.commandLine().getErr(),
        host.interruption(),
        options.tensorboard(),
        options.resume(),
        ranks().isShared(),
        options.watcher());
  }

  private static Map<String, Object> summary(int iterations, List<Metrics> log, Path folder) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("run", folder.toString());
    summary.put("iterations", iterations);
    log.stream()
        .filter(Metrics.Evaluation.class::isInstance)
        .map(Metrics.Evaluation.class::cast)
        .reduce((first, second) -> second)
        .ifPresent(last -> {
          if (Double.isFinite(last.valLoss())) {
            summary.put("train_loss", last.trainLoss());
            summary.put("val_loss", last.valLoss());
          }
          summary.putAll(last.others());
        });
    return summary;
  }
}

package jambic.app;

import jambic.app.cli.BackendOptions;
import jambic.app.cli.CompletionValues;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.InitialModel;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.PairOptions;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.app.cli.TextField;
import jambic.app.cli.TrainFlags;
import jambic.app.cli.Version;
import jambic.app.cli.Vocabulary;
import jambic.app.data.Corpora;
import jambic.app.data.Hub;
import jambic.app.data.TrainingData;
import jambic.app.ranks.RankOptions;
import jambic.app.run.RunDisplay;
import jambic.app.terminal.LongRun;
import jambic.app.terminal.Terminal;
import jambic.app.watch.WatchOption;
import jambic.model.checkpoint.BaseModelResolver;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.train.Trainer;
import jambic.train.TrainingTask;
import jambic.train.TranslatorTrainer;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.parallel.DataParallel;
import jambic.train.plan.MemoryEstimate;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener.Sample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a GPT, or a translator. */
@Command(
    name = "train",
    description = "Trains a GPT on a text, or a translator on pairs of texts.",
    mixinStandardHelpOptions = true,
    modelTransformer = TrainFlags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic train                                  tiny Shakespeare, minutes on two cores",
      "  jambic train --data input.txt --out out       your own text",
      "  jambic train --init gpt2 --data input.txt --dropout 0.1    fine-tune a released model",
      "  jambic train --init gpt2 --block-size 256 --lora-rank 8    only small adapters of it",
      "  jambic train --preset translate-small         French to English: dates, numbers, names",
      "  jambic train --preset translate-small --data pairs.tsv     your own pairs",
      "  jambic train --resume --out out               go on after Ctrl-C or a crash"
    })
final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private Main main;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "The run's folder. Default: a new one in runs, named by preset and data.")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--preset",
      paramLabel = "PRESET",
      completionCandidates = CompletionValues.Presets.class,
      description = {
        "Where the hyperparameters start: lecture-small, lecture, shakespeare-char,",
        "shakespeare-char-cpu or finetune-shakespeare; of a translator translate-small or",
        "transformer-base.",
        "Default: shakespeare-char-cpu, with --init finetune-shakespeare."
      })
  private Optional<String> preset = Optional.empty();

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = {
        "Start with what a run's run.json says: hyperparameters, text, model, vocabulary and",
        "backend. Flags override it."
      })
  private Optional<Path> config = Optional.empty();

  @Option(
      names = "--init",
      paramLabel = "MODEL",
      description = {
        "Begin with a stored model and its tokenizer: a folder as 'jambic sample' takes, or",
        "a model of the Hugging Face hub: gpt2, distilgpt2, user/name, perhaps with",
        "@revision. --block-size may cut its context."
      })
  private Optional<Path> init = Optional.empty();

  @Mixin private ModelOptions models;

  @Option(
      names = "--data",
      paramLabel = "TEXT",
      description = {
        "A UTF-8 file, tinyshakespeare (downloaded once) or jdk-source: the first nine tenths",
        "are trained on, the rest is held back. Or a folder that jambic prepare or nanoGPT's",
        "prepare.py made: one of GPT-2's tokens by the latter with --tokenizer gpt2.",
        "Default: tinyshakespeare. A translator takes pairs: cldr (its default, from Java's own",
        "locale data, which has no sentences), multi30k, tatoeba, or files: a TSV, two files",
        "as corpus.fr,corpus.en, a TMX, JSON Lines; any of them gzipped."
      })
  private Optional<String> data = Optional.empty();

  @Mixin private TextField field;

  @Option(
      names = "--valid",
      paramLabel = "PAIRS",
      description = "Pairs to measure a translator with. Default: some of --data, held back.")
  private Optional<String> valid = Optional.empty();

  @Mixin private PairOptions pairs;

  @Option(
      names = "--tokenizer",
      paramLabel = "NAME",
      description = {
        "gpt2, or a tokenizer.json, or the folder of a checkpoint or a run. Default: the",
        "folder's own vocabulary, else the characters of the text. A translator takes that of",
        "another, or by default learns one of --vocab-size tokens."
      })
  private Optional<String> tokenizer = Optional.empty();

  @Option(
      names = "--resume",
      description = "Go on with the run in --out, as if it had never stopped.")
  private boolean resume;

  @Option(
      names = "--tensorboard",
      description = {
        "Write TensorBoard's event file into the run's folder too; a",
        "resumed run goes on with it. Then: tensorboard --logdir runs"
      })
  private boolean tensorboard;

  @Mixin private WatchOption watch;

  @Mixin private BackendOptions computing;

  @Mixin private RankOptions shared;

  @Option(
      names = "--json",
      description = "Print one JSON object at the end; progress goes to the error stream.")
  private boolean json;

  private Terminal terminal;
  private DataParallel ranks = DataParallel.alone();
  private Optional<RunRecord> recorded = Optional.empty(); // of a resumed run, or of --config

  @Override
  public Integer call() {
    ranks = shared.join(spec.commandLine(), main.job());
    terminal =
        shared.terminal(() ->
            json
                ? Terminal.plain(spec.commandLine().getErr())
                : Terminal.of(spec.commandLine().getOut()));
    computing.share(main.job());
    main.job().boundWarning().ifPresent(terminal::print);
    requireNamed("--out", out.map(Path::toString));
    requireNamed("--data", data);
    if (resume) {
      out.ifPresent(shared::requireVisible);
    } else {
      out.map(RunFolder::new).ifPresent(RunFolder::requireOwn);
      out.ifPresent(Trainer::requireVacant); // before anything is downloaded
    }
    Optional<TranslationPreset> translation = preset.flatMap(TranslationPreset::named);
    if (translation.isPresent() && !resume
        || resume && TranslatorTrainer.configOf(resumed()).isPresent()) {
      return translation(translation);
    }
    TrainFlags.requireNoneOfTranslators(spec);
    TrainConfig start = start();
    Optional<InitialModel> origin = origin();
    try {
      return call(start, origin);
    } finally {
      origin.ifPresent(InitialModel::close);
    }
  }

  private int translation(Optional<TranslationPreset> translation) {
    if (resume && preset.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--resume goes on with the run's own preset; leave --preset out");
    }
    return new TranslationTraining(
            spec,
            main.interruption(),
            display(),
            translation,
            out,
            data,
            valid,
            pairs.languages(spec.commandLine()),
            tokenizer,
            computing,
            shared,
            ranks,
            json)
        .call();
  }

  private int call(TrainConfig preset, Optional<InitialModel> origin) {
    TrainConfig config =
        Hyperparameters.over(origin.map(o -> o.shaped(preset)).orElse(preset), spec);
    origin.ifPresent(o -> o.requireShape(config));
    try (Backend backend = computing.open(spec.commandLine(), backendName(), this::dtype)) {
      Optional<String> dtype = dtype(backend.name());
      TrainingData data =
          shared.firstOnFirst(() -> data(config.model().blockSize(), origin)); // may download
      int vocabSize =
          origin.map(o -> o.vocabSize(data.tokenizer())).orElse(data.tokenizer().vocabSize());
      GptConfig model = affordable(config, () -> shape(config, origin, vocabSize), backend);
      if (backend.usesHeap()) {
        MemoryEstimate.of(config, model, Long.MAX_VALUE).warning().ifPresent(terminal::print);
      }
      RunFolder folder =
          out.map(RunFolder::new)
              .orElseGet(() ->
                  new RunFolder(
                      shared.folder(
                          () -> RunFolder.fresh(Path.of("runs"), runName(data.name())).path())));
      OptionalDouble peak = backend.peakFlops();
      try (Trainer trainer = open(backend, origin, config, data, folder.path(), peak)) {
        TrainReport report = new TrainReport(terminal);
        report.begin(data, trainer.model(), backend, folder, computing.passedOver());
        if (!ranks.isFirst()) {
          return display().join(trainer::run);
        }
        if (resume) {
          folder.moved(backend.name(), dtype).ifPresent(terminal::print);
        }
        folder.write(
            RunRecord.of(
                Version.own(),
                begun(data, dtype),
                data.sha256().get(),
                backend,
                model,
                config,
                peak));
        LongRun length = new LongRun(config, model, began(origin), backend.name());
        return train(trainer, config, data.tokenizer(), folder.path(), report, length);
      } finally {
        if (out.isEmpty() && ranks.isFirst()) {
          folder.deleteIfEmpty(); // of a run that did not begin
        }
      }
    }
  }

  private void requireNamed(String option, Optional<String> name) { // a shell variable not set
    if (name.isPresent() && name.get().isEmpty()) {
      throw new ParameterException(spec.commandLine(), option + " is empty; give it a name");
    }
  }

  private TrainConfig start() {
    if (config.isPresent()) {
      return recordedStart();
    }
    if (!resume) {
      return Preset.named(presetName()).config();
    }
    if (preset.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--resume goes on with the run's own preset; leave --preset out");
    }
    if (init.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--resume goes on with the run's own model; leave --init out");
    }
    recorded = Optional.of(new RunFolder(resumed()).recordToResume());
    return Trainer.configOf(resumed());
  }

  private TrainConfig recordedStart() {
    if (resume) {
      throw new ParameterException(
          spec.commandLine(),
          "--resume goes on with the run's own configuration; leave --config out");
    }
    if (preset.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--preset and --config exclude each other; give one of them");
    }
    RunRecord record = RunRecord.toStartWith(config.orElseThrow());
    recorded = Optional.of(record);
    return record.config();
  }

  /** The model to begin with: the one asked for, or the preset's. */
  private Optional<InitialModel> origin() {
    if (resume) {
      return Optional.empty();
    }
    return initial()
        .map(named ->
            InitialModel.open(
                models.checkpoint(named, spec.commandLine()),
                ModelOptions.ofHub(named).flatMap(Hub::commonName),
                bases()));
  }

  private Optional<Path> initial() {
    return init.or(() ->
        recorded.isPresent()
            ? recorded.get().init()
            : Preset.named(presetName()).init().map(Path::of));
  }

  private BaseModelResolver bases() {
    return models.bases(spec.commandLine());
  }

  private Path resumed() {
    Path folder =
        out.orElseThrow(() ->
            new ParameterException(
                spec.commandLine(), "--resume needs the run's folder; name it with --out"));
    if (!AtomicFolder.exists(folder.resolve(RunCheckpoints.LAST))) {
      throw new JambicException(
          folder + " holds no run to resume; leave --resume out to begin one there");
    }
    return folder;
  }

  private String presetName() {
    if (recorded.isPresent()) {
      return recorded.get().preset().orElse("config"); // the record of an older version
    }
    Preset otherwise = init.isPresent() ? Preset.FINETUNE_SHAKESPEARE : Hyperparameters.DEFAULT;
    return preset.orElse(otherwise.presetName());
  }

  private String runName(String data) {
    return presetName() + "-" + RunFolder.shortName(data);
  }

  private String backendName() {
    return recorded.flatMap(RunRecord::backend).orElse(BackendOptions.AUTO);
  }

  private Optional<String> dtype(String backend) {
    return recorded.map(record -> computing.dtype(record, backend)).orElseGet(computing::dtype);
  }

  private TrainingData data(int blockSize, Optional<InitialModel> origin) {
    Corpora corpora = Corpora.of(terminal).remembering(recorded.flatMap(RunRecord::dataFile));
    Optional<String> named = data.or(() -> recorded.flatMap(RunRecord::data));
    if (!resume) {
      Optional<Tokenizer> given =
          vocabulary()
              .map(name -> Vocabulary.named(name, spec.commandLine()))
              .or(() -> origin.map(o -> o.tokenizer(named)));
      return TrainingData.load(corpora, named, field(), given, blockSize);
    }
    if (tokenizer.isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          "--resume goes on with the run's own vocabulary; leave --tokenizer out");
    }
    if (named.isEmpty()) {
      throw new JambicException(
          resumed() + " does not say which text it was trained on; name it with --data");
    }
    return TrainingData.load(corpora, named, field(), Optional.of(savedTokenizer()), blockSize);
  }

  /** A vocabulary that was asked for; that of a recorded run is for its own text. */
  private Optional<String> vocabulary() {
    return tokenizer.or(() -> ofRecordedText(RunRecord::tokenizer));
  }

  private Optional<String> field() {
    return field.name().or(() -> ofRecordedText(RunRecord::textField));
  }

  /** What was recorded of a text does not hold for another; a resumed run has no other. */
  private Optional<String> ofRecordedText(Function<RunRecord, Optional<String>> value) {
    return recorded.filter(record -> resume || data.isEmpty()).flatMap(value);
  }

  private Tokenizer savedTokenizer() {
    Path last = resumed().resolve(RunCheckpoints.LAST);
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, last, bases())) {
      return RunFolder.tokenizer(checkpoint);
    }
  }

  private Trainer open(
      Backend backend,
      Optional<InitialModel> origin,
      TrainConfig config,
      TrainingData data,
      Path folder,
      OptionalDouble peak) {
    TrainingTask task = TrainingTask.nextTokens(data.dataset());
    if (resume) {
      return Trainer.resume(backend, config, task, folder, bases(), peak, ranks);
    }
    if (origin.isPresent()) {
      Gpt model = origin.get().load(backend, config);
      return Trainer.begin(model, config, task, data.tokenizer(), folder, peak, ranks);
    }
    return Trainer.begin(backend, config, data.dataset(), data.tokenizer(), folder, peak, ranks);
  }

  /** The model's shape: of a new one all of it is in the configuration. */
  private GptConfig shape(TrainConfig config, Optional<InitialModel> origin, int vocabSize) {
    if (!resume) {
      return origin.map(o -> config.model().gpt(o.config())).orElseGet(() -> config.gpt(vocabSize));
    }
    try (Checkpoint<GptConfig, Gpt> last =
        Checkpoint.open(Gpt.FORMAT, resumed().resolve(RunCheckpoints.LAST), bases())) {
      return config.model().gpt(last.config());
    }
  }

  /** The model's shape, if there is memory to train it; better now than amid the first step. */
  static GptConfig affordable(TrainConfig config, Supplier<GptConfig> model, Backend backend) {
    long heap = Runtime.getRuntime().maxMemory();
    GptConfig shape = model.get();
    if (backend.usesHeap()) {
      MemoryEstimate.of(config, shape, heap).requireWithin(heap);
    }
    return shape;
  }

  private Optional<Path> dataFile(TrainingData data) {
    return data.name().equals(Corpora.TINY_SHAKESPEARE)
        ? Corpora.of(terminal)
            .tinyShakespeareFile()
            .or(() -> recorded.flatMap(RunRecord::dataFile))
            .map(Path::toAbsolutePath)
        : Optional.empty();
  }

  /** What was chosen for the run. */
  private Map<String, Optional<String>> begun(TrainingData data, Optional<String> dtype) {
    Optional<RunRecord> own = recorded.filter(record -> resume);
    Map<String, Optional<String>> begun = new LinkedHashMap<>();
    begun.put(
        RunRecord.PRESET, resume ? own.flatMap(RunRecord::preset) : Optional.of(presetName()));
    begun.put(
        RunRecord.INIT,
        (resume ? own.flatMap(RunRecord::init) : initial()).map(path -> lasting(path.toString())));
    begun.put(RunRecord.TOKENIZER, vocabulary().map(TrainCommand::lasting));
    begun.put(RunRecord.DATA, Optional.of(Corpora.lastingName(data.name())));
    begun.put(RunRecord.DATA_FILE, dataFile(data).map(Path::toString));
    begun.put(RunRecord.TEXT_FIELD, field());
    begun.put(RunRecord.DTYPE, dtype);
    return begun;
  }

  /** A name that means the same from any folder: the whole path where there is one. */
  static String lasting(String name) {
    Path path = Path.of(name);
    return Files.exists(path) ? path.toAbsolutePath().normalize().toString() : name;
  }

  private LongRun.Start began(Optional<InitialModel> origin) {
    if (resume) {
      return LongRun.Start.RESUMED;
    }
    return origin.isPresent() ? LongRun.Start.MODEL : LongRun.Start.PRESET;
  }

  private int train(
      Trainer trainer,
      TrainConfig config,
      Tokenizer tokenizer,
      Path folder,
      TrainReport report,
      LongRun length) {
    BooleanSupplier stop = main.interruption()::isRequested;
    Supplier<List<Sample>> sampler = report.sampler(trainer.model(), tokenizer, stop);
    if (!display()
        .show(config, folder, trainer::iteration, length::notice, sampler, trainer::run)) {
      return Main.INTERRUPTED;
    }
    Map<String, Object> summary = report.finish(trainer, tokenizer, folder, stop);
    if (json) {
      spec.commandLine().getOut().println(RunDisplay.json(summary));
    }
    return stop.getAsBoolean() ? Main.INTERRUPTED : 0;
  }

  private RunDisplay display() {
    return new RunDisplay(
        "train",
        terminal,
        spec.commandLine().getErr(),
        main.interruption(),
        tensorboard,
        resume,
        ranks.isShared(),
        watch.watcher());
  }
}

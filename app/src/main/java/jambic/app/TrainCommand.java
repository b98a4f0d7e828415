package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.BackendOptions;
import jambic.app.cli.CompletionValues;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.InitialModel;
import jambic.app.cli.ModelOptions;
import jambic.app.cli.RunFolder;
import jambic.app.cli.TextField;
import jambic.app.cli.Version;
import jambic.app.cli.Vocabulary;
import jambic.app.data.Corpora;
import jambic.app.data.Hub;
import jambic.app.data.TrainingData;
import jambic.app.terminal.Terminal;
import jambic.app.terminal.TrainProgress;
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
import jambic.train.Trainer;
import jambic.train.TrainingTask;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.plan.MemoryEstimate;
import jambic.train.plan.ModelFlops;
import jambic.train.run.Metrics;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener;
import jambic.train.run.RunLoop;
import jambic.train.run.TensorBoardLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a GPT. */
@Command(
    name = "train",
    description = "Trains a GPT on a text.",
    mixinStandardHelpOptions = true,
    modelTransformer = Hyperparameters.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic train                                  tiny Shakespeare, minutes on two cores",
      "  jambic train --data input.txt --out out       your own text",
      "  jambic train --data data                      a folder that jambic prepare made",
      "  jambic train --preset lecture-small --learning-rate 3e-3 --seed 1",
      "  jambic train --init gpt2 --data input.txt --dropout 0.1    fine-tune a released model",
      "  jambic train --init gpt2 --block-size 256 --lora-rank 8    only small adapters of it",
      "  jambic train @flags.txt                       flags from a file, # for comments",
      "  jambic train --resume --out out               go on after Ctrl-C or a crash"
    })
final class TrainCommand implements Callable<Integer> {

  @Spec private CommandSpec spec;
  @ParentCommand private Main main;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      description = "The run's folder. Default: a new one in runs.")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--preset",
      paramLabel = "PRESET",
      completionCandidates = CompletionValues.Presets.class,
      description = {
        "Where the hyperparameters start: lecture-small, lecture, shakespeare-char,",
        "shakespeare-char-cpu, the default, or finetune-shakespeare, that with --init."
      })
  private Optional<String> preset = Optional.empty();

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
        "A UTF-8 file, tinyshakespeare (the default, downloaded once) or jdk-source: the first",
        "nine tenths are trained on, the rest is held back. Or a folder that jambic prepare or",
        "nanoGPT's prepare.py made: one of GPT-2's tokens by the latter with --tokenizer gpt2."
      })
  private Optional<String> data = Optional.empty();

  @Mixin private TextField field;

  @Option(
      names = "--tokenizer",
      paramLabel = "NAME",
      description = {
        "gpt2, or the folder of a checkpoint or a run. Default: the folder's own vocabulary,",
        "else the characters of the text."
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

  @Mixin private BackendOptions computing;

  @Option(
      names = "--json",
      description = "Print one JSON object at the end; progress goes to the error stream.")
  private boolean json;

  private Terminal terminal;

  @Override
  public Integer call() {
    terminal =
        json
            ? Terminal.plain(spec.commandLine().getErr())
            : Terminal.of(spec.commandLine().getOut());
    requireNamed("--out", out.map(Path::toString));
    requireNamed("--data", data);
    if (!resume) {
      out.map(RunFolder::new).ifPresent(RunFolder::requireOwn);
      out.ifPresent(Trainer::requireVacant); // before anything is downloaded
    }
    TrainConfig start = start();
    Optional<InitialModel> origin = origin();
    try {
      return call(start, origin);
    } finally {
      origin.ifPresent(InitialModel::close);
    }
  }

  private int call(TrainConfig preset, Optional<InitialModel> origin) {
    TrainConfig config =
        Hyperparameters.over(origin.map(o -> o.shaped(preset)).orElse(preset), spec);
    origin.ifPresent(o -> o.requireShape(config));
    try (Backend backend = computing.open(spec.commandLine(), backendName(), this::dtype)) {
      Optional<String> dtype = dtype(backend.name());
      TrainingData data = data(config.model().blockSize(), origin);
      int vocabSize =
          origin.map(o -> o.vocabSize(data.tokenizer())).orElse(data.tokenizer().vocabSize());
      GptConfig model = affordable(config, () -> shape(config, origin, vocabSize), backend);
      if (backend.usesHeap()) {
        MemoryEstimate.of(config, model, Long.MAX_VALUE).warning().ifPresent(terminal::print);
      }
      RunFolder folder =
          out.map(RunFolder::new).orElseGet(() -> RunFolder.fresh(Path.of("runs"), presetName()));
      OptionalDouble peak = backend.peakFlops();
      try (Trainer trainer = open(backend, origin, config, data, folder.path(), peak)) {
        TrainReport report = new TrainReport(terminal);
        report.begin(data, trainer.model(), backend, folder, computing.passedOver());
        if (resume) {
          folder.moved(backend.name(), dtype).ifPresent(terminal::print);
        }
        folder.write(record(data, backend, dtype, model, config, peak));
        return train(trainer, config, data.tokenizer(), folder.path(), report);
      } finally {
        if (out.isEmpty()) {
          folder.deleteIfEmpty(); // of a run that did not begin
        }
      }
    }
  }

  /** A shell variable that is not set leaves an empty word. */
  private void requireNamed(String option, Optional<String> name) {
    if (name.isPresent() && name.get().isEmpty()) {
      throw new ParameterException(spec.commandLine(), option + " is empty; give it a name");
    }
  }

  private TrainConfig start() {
    if (!resume) {
      try {
        return Preset.named(presetName()).config();
      } catch (JambicException e) {
        throw new ParameterException(spec.commandLine(), e.getMessage(), e);
      }
    }
    if (preset.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--resume goes on with the run's own preset; leave --preset out");
    }
    if (init.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "--resume goes on with the run's own model; leave --init out");
    }
    return Trainer.configOf(resumed());
  }

  /** The model to begin with: the one asked for, or the preset's. */
  private Optional<InitialModel> origin() {
    if (resume) {
      return Optional.empty();
    }
    return init.or(() -> Preset.named(presetName()).init().map(Path::of))
        .map(named ->
            InitialModel.open(
                models.checkpoint(named, spec.commandLine()),
                ModelOptions.ofHub(named).flatMap(Hub::commonName),
                bases()));
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
    Preset otherwise = init.isPresent() ? Preset.FINETUNE_SHAKESPEARE : Hyperparameters.DEFAULT;
    return preset.orElse(otherwise.presetName());
  }

  private String backendName() {
    return (resume ? new RunFolder(resumed()).backend() : Optional.<String>empty())
        .orElse(BackendOptions.AUTO);
  }

  private Optional<String> dtype(String backend) {
    return resume ? computing.dtype(new RunFolder(resumed()), backend) : computing.dtype();
  }

  private TrainingData data(int blockSize, Optional<InitialModel> origin) {
    Corpora corpora = Corpora.of(terminal);
    if (!resume) {
      Optional<Tokenizer> given =
          tokenizer.map(Vocabulary::named).or(() -> origin.map(o -> o.tokenizer(data)));
      return TrainingData.load(corpora, data, field(), given, blockSize);
    }
    if (tokenizer.isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          "--resume goes on with the run's own vocabulary; leave --tokenizer out");
    }
    String name =
        data.or(() -> new RunFolder(resumed()).data())
            .orElseThrow(() ->
                new JambicException(
                    resumed() + " does not say which text it was trained on; name it with --data"));
    return TrainingData.load(
        corpora.remembering(new RunFolder(resumed()).dataFile()),
        Optional.of(name),
        field(),
        Optional.of(savedTokenizer()),
        blockSize);
  }

  private Optional<String> field() {
    return field.name().or(() -> resume ? new RunFolder(resumed()).textField() : Optional.empty());
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
      return Trainer.resume(backend, config, task, folder, bases(), peak);
    }
    if (origin.isPresent()) {
      Gpt model = origin.get().load(backend, config);
      return Trainer.begin(model, config, task, data.tokenizer(), folder, peak);
    }
    return Trainer.begin(backend, config, data.dataset(), data.tokenizer(), folder, peak);
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

  private Map<String, Object> record(
      TrainingData data,
      Backend backend,
      Optional<String> dtype,
      GptConfig model,
      TrainConfig config,
      OptionalDouble peak) {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put(RunFolder.ENGINE, Version.own());
    record.put("java", Runtime.version().toString());
    record.put(RunFolder.DATA, Corpora.lastingName(data.name()));
    if (data.name().equals(Corpora.TINY_SHAKESPEARE)) {
      Corpora.of(terminal)
          .tinyShakespeareFile()
          .or(() -> resume ? new RunFolder(resumed()).dataFile() : Optional.empty())
          .ifPresent(file -> record.put(RunFolder.DATA_FILE, file.toAbsolutePath().toString()));
    }
    record.put("data_sha256", data.sha256().get());
    field().ifPresent(name -> record.put(RunFolder.TEXT_FIELD, name));
    record.put(RunFolder.BACKEND, backend.name());
    dtype.ifPresent(type -> record.put(RunFolder.DTYPE, type));
    record.put("device", backend.description());
    record.put(RunFolder.PARAMETERS, model.parameterCount());
    record.put("mfu", mfu(model, peak));
    record.put("config", config.toMap());
    return record;
  }

  private static String mfu(GptConfig model, OptionalDouble peak) {
    double perToken = ModelFlops.perToken(model);
    return new ModelFlops(perToken, peak, "fused multiply-adds on all threads, measured at start")
        .describe();
  }

  private int train(
      Trainer trainer, TrainConfig config, Tokenizer tokenizer, Path folder, TrainReport report) {
    TrainProgress progress = new TrainProgress(terminal, config.run());
    Optional<TensorBoardLog> events = events(folder, trainer.iteration());
    BooleanSupplier stop = main.interruption()::isRequested;
    RunLoop.Outcome outcome;
    main.interruption().listen(() -> terminal.print("stopping after this step"));
    try {
      outcome =
          trainer.run(
              new RunListener() {
                @Override
                public void onStep(Metrics.Step step) {
                  progress.show(step);
                  events.ifPresent(file -> file.append(step));
                }

                @Override
                public void onEvaluationBatch(int iter, int done, int count) {
                  progress.showEvaluation(iter, done, count);
                }

                @Override
                public void onEvaluation(Metrics.Evaluation evaluation) {
                  progress.show(evaluation);
                  events.ifPresent(file -> file.append(evaluation));
                }

                @Override
                public void onNotice(String notice) {
                  terminal.print(notice);
                }

                @Override
                public void onNotice(ConfigMessage notice) {
                  terminal.print(Hyperparameters.sentence(notice));
                }
              },
              stop);
    } finally {
      progress.end();
      events.ifPresent(TensorBoardLog::close);
    }
    if (outcome == RunLoop.Outcome.STOPPED) {
      terminal.print(
          format(
              "stopped and saved after %,d of %,d iterations; go on with: %s",
              trainer.iteration(),
              config.run().maxIters(),
              ShellCommand.of("train", "--resume", "--out", folder)));
      return Main.INTERRUPTED;
    }
    main.interruption().listen(() -> {}); // what is left is over soon
    Map<String, Object> summary = report.finish(trainer, tokenizer, folder, stop);
    if (json) {
      spec.commandLine().getOut().println(text(summary));
    }
    return stop.getAsBoolean() ? Main.INTERRUPTED : 0;
  }

  private Optional<TensorBoardLog> events(Path folder, int iteration) {
    Path file = folder.resolve(TensorBoardLog.FILE_NAME);
    if (!tensorboard && !(resume && Files.exists(file))) {
      return Optional.empty();
    }
    return Optional.of(
        resume ? TensorBoardLog.resume(file, iteration) : TensorBoardLog.create(file));
  }

  private static String text(Map<String, Object> summary) {
    try {
      return JSON.std.asString(summary);
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  private static String format(String format, Object... values) {
    return Text.format(format, values);
  }
}

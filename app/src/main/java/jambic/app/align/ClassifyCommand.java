package jambic.app.align;

import jambic.app.classify.LabelPrinter;
import jambic.app.classify.LabelledData;
import jambic.app.cli.Interruptible;
import jambic.app.cli.RunRecord;
import jambic.app.ranks.RankOptions;
import jambic.app.run.ShellCommand;
import jambic.model.classifier.GptClassifier;
import jambic.model.classifier.TextClassifier;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.classify.ClassifierTraining;
import jambic.train.classify.ClassifyConfig;
import jambic.train.classify.LabelEncoder;
import jambic.train.example.LabelledText;
import jambic.train.run.Metrics;
import jambic.train.stage.StageRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Trains a classifier, or lets one tell labels. */
@Command(
    name = "classify",
    description = {
      "Trains a model to tell the label of a text, or lets it tell labels.",
      "With --init it trains on the texts of --data, a 'text' and a 'label' on each line, or on"
          + " sentiment: 2,979 sentences of reviews. With a trained MODEL it prints the label and"
          + " all probabilities of each TEXT, or of each line of standard input. Of a text that is"
          + " too long the beginning counts."
    },
    mixinStandardHelpOptions = true,
    modelTransformer = ClassifyCommand.Flags.class,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic classify --init runs/NAME --data reviews.jsonl --out reviews",
      "  jambic classify --init gpt2 --data sentiment",
      "  jambic classify reviews \"I liked it\"",
      "  jambic classify reviews --json < lines.txt",
      "  jambic eval reviews --data test.jsonl     accuracy, F1 and the confusion matrix"
    })
public final class ClassifyCommand implements Callable<Integer> {
  private static final double HEAD_STD = 0.02; // as transformers' heads begin

  /** What can be said to a classifier that is trained. */
  private static final Set<String> FOR_TRAINED =
      Set.of("--json", "--offline", "--backend", "--threads", "--dtype", "--stacktrace");

  @Spec private CommandSpec spec;
  @ParentCommand private Interruptible main;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "MODEL",
      description = "A classifier that is trained: a run's folder, or a checkpoint's.")
  private Optional<Path> trained = Optional.empty();

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "TEXT",
      description = "Texts whose labels it tells. Default: the lines of standard input.")
  private List<String> texts = new ArrayList<>();

  @Mixin private StageOptions options;
  @Mixin private RankOptions shared;

  @Option(
      names = "--valid",
      paramLabel = "FILE",
      description = "Texts to measure with. Default: one in five of --data, held back.")
  private Optional<Path> valid = Optional.empty();

  @Mixin private Epochs epochs;

  /** A flag for each hyperparameter. */
  static final class Flags implements IModelTransformer {
    @Override
    public CommandSpec transform(CommandSpec command) {
      return StageFlags.add(command, "Classification", ClassifyConfig.DEFAULTS, false);
    }
  }

  @Override
  public Integer call() {
    if (trained.isPresent()) {
      return tell(trained.get());
    }
    if (options.init().isEmpty() && !options.resume()) {
      throw new ParameterException(
          spec.commandLine(),
          "name a trained MODEL and texts, or a model to train with --init and --data");
    }
    return new StageSession<>(
            spec, main, options, ClassifyConfig.class, ClassifyConfig.DEFAULTS, shared)
        .run(this::load);
  }

  private int tell(Path model) {
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (!FOR_TRAINED.contains(option.longestName())) {
        throw new ParameterException(
            spec.commandLine(),
            Text.format(
                "%s is for training, and %s is asked for labels; %s",
                option.longestName(),
                model,
                option.longestName().equals("--data")
                    ? "'jambic eval MODEL --data FILE' measures a trained model"
                    : "leave one of them out"));
      }
    }
    Path folder = options.models().checkpoint(model, spec.commandLine());
    try (Backend backend = options.computing().open(spec.commandLine());
        TextClassifier classifier = TextClassifier.load(folder, backend)) {
      LabelPrinter printer =
          new LabelPrinter(classifier, options.json(), spec.commandLine().getOut());
      if (texts.isEmpty()) {
        printer.print(System.in);
      } else {
        printer.print(texts);
      }
      printer
          .notice()
          .ifPresent(notice -> spec.commandLine().getErr().println("jambic: " + notice));
    }
    return 0;
  }

  private StageSession.Loaded<GptClassifier> load(
      StageSession<ClassifyConfig> session, ClassifyConfig start, Backend backend) {
    if (session.chat().isNamed(session)) {
      throw new ParameterException(
          spec.commandLine(),
          "--chat-template is for conversations, and a classifier reads texts; leave it out");
    }
    InitialGpt initial = InitialGpt.of(session);
    int context = start.common().lengthWithin(initial.shape().blockSize());
    Optional<String> held = session.chosen(RunRecord.VALID, StageSession.lasting(valid));
    String name = session.data().toString();
    LabelledData data = LabelledData.of(name, held, session.terminal());
    LabelEncoder encoder = new LabelEncoder(initial.tokenizer(), data.labels(), context);
    LabelEncoder.Encoded train = encoder.encode(name, data.train());
    LabelEncoder.Encoded measured = encoder.encode(data.measured(), data.heldOut());
    List<String> notices = new ArrayList<>(data.notices());
    LabelEncoder.sentence(
            train.cut() + measured.cut(), train.texts().size() + measured.texts().size(), context)
        .ifPresent(notices::add);
    notices.forEach(line -> session.terminal().print("note     " + line));
    ClassifyConfig config = session.lasting(start, epochs.epochs(), train.texts().size());
    return new StageSession.Loaded<>(
        new StageRun.Plan<>(
            GptClassifier.FORMAT,
            config,
            data.fingerprint(),
            Optional.empty(),
            model ->
                ClassifierTraining.work(
                    model, config, train.texts(), measured.texts(), session.ranks())),
        () ->
            initial.classifier(
                session, data.labels(), HEAD_STD, (float) config.dropout(), config.seed(), backend),
        initial.tokenizer(),
        session.choices(Map.of(RunRecord.VALID, held)),
        List.of(
            Text.format(
                "data     %,d texts of %d labels to learn from, %,d held back",
                train.texts().size(), data.labels().size(), measured.texts().size())),
        (model, folder, log) -> result(data.heldOut(), folder, log));
  }

  /** What the best checkpoint reached, beside what the most frequent label alone would. */
  private static List<String> result(List<LabelledText> held, Path folder, List<Metrics> log) {
    List<String> labels = held.stream().map(LabelledText::label).toList();
    int most =
        labels.stream().distinct().mapToInt(l -> Collections.frequency(labels, l)).max().orElse(0);
    List<String> lines = new ArrayList<>();
    log.stream()
        .filter(Metrics.Evaluation.class::isInstance)
        .map(Metrics.Evaluation.class::cast)
        .min(Comparator.comparingDouble(ClassifierTraining::criterion))
        .map(Metrics.Evaluation::others)
        .ifPresent(best ->
            lines.add(
                Text.format(
                    "best     accuracy %.1f %%, macro F1 %.1f %% (always the most frequent label:"
                        + " %.1f %%)",
                    100 * best.getOrDefault(ClassifierTraining.ACCURACY, 0.0),
                    100 * best.getOrDefault(ClassifierTraining.F1, 0.0),
                    100.0 * most / held.size())));
    lines.add("next     " + ShellCommand.of("eval", folder));
    lines.add("         " + ShellCommand.of("classify", folder, "I liked it"));
    return lines;
  }
}

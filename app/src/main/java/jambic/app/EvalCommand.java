package jambic.app;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.align.AnswerReport;
import jambic.app.align.PairReport;
import jambic.app.classify.ClassificationReport;
import jambic.app.classify.LabelledData;
import jambic.app.cli.ModelArgument;
import jambic.app.cli.PairOptions;
import jambic.app.cli.Quantization;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.app.cli.SearchOptions;
import jambic.app.cli.TextField;
import jambic.app.data.Corpora;
import jambic.app.data.PairCorpora;
import jambic.app.data.PairMeasure;
import jambic.app.data.TrainingData;
import jambic.app.terminal.Terminal;
import jambic.model.chat.ChatTemplate;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.classifier.GptClassifier;
import jambic.model.classifier.TextClassifier;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.model.translator.TranslationPipeline;
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.LossEstimator;
import jambic.train.data.BatchSampler;
import jambic.train.data.Dataset;
import jambic.train.data.Dataset.Split;
import jambic.train.objective.NextTokenPrediction;
import jambic.train.pairs.LanguagePair;
import jambic.train.pairs.Pair;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Measures a model on whole texts, or compares two texts. */
@Command(
    name = "eval",
    description = {
      "Measures the loss and the perplexity of a model over a whole text.",
      "With --bleu it compares translations with their references instead."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nExamples:%n",
    footer = {
      "  jambic eval out                        the held-back tenth of the run's own text",
      "  jambic eval out --split both --json",
      "  jambic eval out/last --data other.txt  the last tenth of another text",
      "  jambic eval out --quantize int8        what rounding the weights costs",
      "  jambic eval gpt2 --data openwebtext --split both --eval-iters 500    as nanoGPT does",
      "  jambic eval sft --data test.jsonl      how many prompts it answers rightly",
      "  jambic eval reviews --data test.jsonl  accuracy, F1 and the confusion matrix of a classifier",
      "  jambic eval rm --data pairs.jsonl      how often a reward model finds the better answer",
      "  jambic eval --bleu hyp.txt ref.txt     BLEU, chrF and exact match of two files, no model",
      "  jambic eval out --bleu --data test.tsv the same of a translator's own translations"
    })
final class EvalCommand implements Callable<Integer> {
  /** Tokens of a batch: enough to fill every thread, little enough for any heap. */
  private static final int BATCH_TOKENS = 4096;

  private static final int WINDOW = 512; // texts that are translated together

  // nanoGPT's, of config/eval_gpt2.py and train.py
  private static final int BATCH = 8;
  private static final long SEED = 1337;

  /** What can be said to the comparison of two files. */
  private static final Set<String> FOR_FILES = Set.of("--bleu", "--json", "--stacktrace");

  /** What can be said to the translations of a model. */
  private static final Set<String> FOR_TRANSLATOR =
      Set.of(
          "--bleu",
          "--json",
          "--stacktrace",
          "--data",
          "--beam",
          "--source-lang",
          "--target-lang",
          "--model",
          "--offline",
          "--backend",
          "--threads",
          "--dtype");

  /** What can be said to the labels that a model tells. */
  private static final Set<String> FOR_CLASSIFIER =
      Set.of(
          "--json",
          "--stacktrace",
          "--data",
          "--model",
          "--offline",
          "--backend",
          "--threads",
          "--dtype");

  private static final Set<String> OF_LOSS =
      Set.of("--split", "--block-size", "--eval-iters", "--batch-size");

  private static final Set<String> OF_ANSWERS = Set.of("--rater", "--response-length", "--limit");

  private static final List<String> OF_BLEU = List.of("--beam", "--source-lang", "--target-lang");

  private enum Choice {
    VAL(List.of(Split.VAL)),
    TRAIN(List.of(Split.TRAIN)),
    BOTH(List.of(Split.TRAIN, Split.VAL));

    private final List<Split> splits;

    Choice(List<Split> splits) {
      this.splits = splits;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "TEXT",
      description = {
        "A UTF-8 file, tinyshakespeare, jdk-source, or a folder that jambic prepare made; or JSON",
        "Lines of prompts with their right answers, which the model is to know; for a classifier",
        "JSON Lines of texts with labels, or sentiment; for a reward model JSON Lines of pairs.",
        "Default: what the run trained on."
      })
  private Optional<String> data = Optional.empty();

  @Mixin private TextField field;

  @Option(
      names = "--split",
      paramLabel = "PART",
      defaultValue = "val",
      description = {
        "train (the first nine tenths), val (the rest) or both.",
        "Default: ${DEFAULT-VALUE}."
      })
  private Choice split;

  @Option(
      names = "--block-size",
      paramLabel = "N",
      description = "Tokens of context. Default: all that the model has.")
  private Optional<Integer> blockSize = Optional.empty();

  @Option(
      names = "--eval-iters",
      paramLabel = "N",
      description = "Only N random batches, as nanoGPT's evaluation. Default: the whole text.")
  private Optional<Integer> evalIters = Optional.empty();

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description = "Windows in a batch. Default: 8 with --eval-iters.")
  private Optional<Integer> batchSize = Optional.empty();

  @Mixin private ModelArgument given;
  @Mixin private Quantization quantization;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "REF",
      description = "With --bleu: the references, a line for each line of the translations.")
  private Optional<Path> references = Optional.empty();

  @Option(
      names = "--bleu",
      description = {
        "Print sacreBLEU's BLEU and chrF with their signatures, and the share of equal lines: of",
        "a UTF-8 file in the place of MODEL, a translation a line, against the file REF; or of what",
        "the translator MODEL makes of the pairs of --data: a TSV, TMX or JSON Lines file, two files",
        "as in a.fr,a.en, cldr, multi30k-test or tatoeba; without --data, what its run held back."
      })
  private boolean bleu;

  @Mixin private SearchOptions search;

  @Mixin private PairOptions sides;

  @Option(
      names = "--rater",
      paramLabel = "RATER",
      description = {
        "With prompts in --data: also the mean score of the answers, as 'jambic ppo --reward' has it:",
        "a reward model's folder, exact, graded, sentence or sentiment:FILE. Default: none."
      })
  private Optional<String> rater = Optional.empty();

  @Option(
      names = "--response-length",
      paramLabel = "N",
      description = {
        "With prompts in --data: the longest answer in tokens, its end included.",
        "Default: all that the context has room for."
      })
  private Optional<Integer> responseLength = Optional.empty();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "With prompts in --data: take the first N only. Default: all.")
  private Optional<Integer> limit = Optional.empty();

  @Option(names = "--json", description = "Print one JSON object instead.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    if (bleu && references.isEmpty() && (data.isPresent() || Files.isDirectory(given.named()))) {
      evaluateTranslator(out, Terminal.ofErrors(err));
      return 0;
    }
    if (bleu) {
      compareFiles(out);
      return 0;
    }
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (OF_BLEU.contains(option.longestName())) {
        throw new ParameterException(
            spec.commandLine(),
            option.longestName() + " is for --bleu of a translator; add --bleu");
      }
    }
    if (references.isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format("the argument %s is one too many without --bleu", references.get()));
    }
    Path named = given.folder();
    if (GptClassifier.isIn(named) && GptClassifier.FORMAT.readConfig(named).isScore()) {
      evaluateReward(named, out, Terminal.ofErrors(err));
      return 0;
    }
    if (GptClassifier.isIn(named)) {
      evaluateClassifier(named, out, Terminal.ofErrors(err));
      return 0;
    }
    if (data.filter(AnswerReport::isFor).isPresent() && field.name().isEmpty()) {
      evaluateAnswers(out);
      return 0;
    }
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (OF_ANSWERS.contains(option.longestName())) {
        throw new ParameterException(
            spec.commandLine(),
            option.longestName() + " is for JSON Lines of prompts; name them with --data");
      }
    }
    requirePositive("--eval-iters", evalIters);
    requirePositive("--batch-size", batchSize);
    requirePositive("--block-size", blockSize);
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint();
        Gpt model = quantization.of(checkpoint.model(backend, shape(checkpoint.config())));
        Region region = backend.region()) {
      Path folder = checkpoint.folder();
      int context = model.config().blockSize();
      int batch =
          batchSize.orElse(evalIters.isPresent() ? BATCH : Math.max(1, BATCH_TOKENS / context));
      TrainingData measured = data(Corpora.of(Terminal.ofErrors(err)), checkpoint, context);
      Dataset dataset = measured.dataset();
      BatchSampler batches = new BatchSampler(dataset, batch, context, SEED);
      LossEstimator estimator =
          new LossEstimator(
              backend, new NextTokenPrediction(model, batches, batch, context), region);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", folder.toString());
      result.put("data", measured.name());
      for (Split part : split.splits) {
        String name = part.name().toLowerCase(Locale.ROOT);
        double loss =
            evalIters.isPresent()
                ? estimator.estimate(part, evalIters.get())
                : estimator.whole(part);
        if (!Double.isFinite(loss)) {
          throw new JambicException(
              Text.format(
                  "the loss is %s: the weights in %s are damaged, or those of a run that diverged",
                  loss, folder));
        }
        long length = dataset.of(part).length();
        long tokens = evalIters.map(n -> (long) n * batch * context).orElse(length);
        if (json) {
          result.put(name + "_tokens", tokens);
          result.put(name + "_loss", loss);
          result.put(name + "_perplexity", Math.exp(loss));
        } else {
          out.println(
              Text.format(
                  "%-5s  loss %.4f  perplexity %.3f  over %s of %s",
                  name,
                  loss,
                  Math.exp(loss),
                  ErrorText.count(tokens, evalIters.isPresent() ? "random token" : "token"),
                  measured.name()));
          out.flush();
        }
      }
      if (json) {
        out.println(JSON.std.asString(result));
      }
    }
    return 0;
  }

  private void requireOnly(Set<String> options, String why) {
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (!options.contains(option.longestName())) {
        throw new ParameterException(
            spec.commandLine(), option.longestName() + " does not go with " + why);
      }
    }
  }

  private void evaluateTranslator(PrintWriter out, Terminal progress) throws IOException {
    requireOnly(FOR_TRANSLATOR, "--bleu of a model's translations");
    search.requireValid();
    Path folder = given.translator();
    PairMeasure measured = measured(RunFolder.of(folder).record(), progress);
    List<Pair> pairs = measured.pairs();
    if (pairs.isEmpty()) {
      throw new JambicException(measured.name() + " has no pairs; give some to translate");
    }
    try (Backend backend = given.backend();
        TranslationPipeline stored = TranslationPipeline.load(folder, backend)) {
      TranslationPipeline pipeline = search.of(stored, Optional.empty(), Optional.empty());
      List<String> translations = new ArrayList<>();
      for (int from = 0; from < pairs.size(); from += WINDOW) {
        List<Pair> window = pairs.subList(from, Math.min(pairs.size(), from + WINDOW));
        translations.addAll(pipeline.translate(window.stream().map(Pair::source).toList()));
        progress.status(
            "translating",
            (double) translations.size() / pairs.size(),
            Text.format("%d of %d", translations.size(), pairs.size()));
      }
      progress.clear();
      BleuReport report = BleuReport.of(translations, pairs.stream().map(Pair::target).toList());
      if (json) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", folder.toString());
        result.put("data", measured.name());
        result.put("beam", pipeline.settings().beams());
        result.putAll(report.toJson());
        out.println(JSON.std.asString(result));
      } else {
        out.print(report.text());
      }
    }
  }

  /** The pairs that were named, or what the run held back. */
  private PairMeasure measured(RunRecord run, Terminal progress) {
    PairCorpora corpora = PairCorpora.of(progress);
    Optional<LanguagePair> named = sides.languages(spec.commandLine());
    if (data.isPresent()) {
      return PairMeasure.of(corpora, data.get(), named);
    }
    String own =
        run.data()
            .orElseThrow(() ->
                new JambicException(
                    given.named()
                        + " does not say which pairs it was trained on; name some with --data"));
    return PairMeasure.heldBack(corpora, own, run.text(RunRecord.VALID), named.or(run::languages));
  }

  /** Texts with their labels: how many the classifier tells. */
  private void evaluateClassifier(Path folder, PrintWriter out, Terminal progress)
      throws IOException {
    requireOnly(FOR_CLASSIFIER, "the labels that a classifier tells");
    LabelledData measured =
        LabelledData.toMeasure(data, RunFolder.of(folder).record(), given.named(), progress);
    try (Backend backend = given.backend();
        TextClassifier classifier = TextClassifier.load(folder, backend)) {
      ClassificationReport report = ClassificationReport.of(classifier, measured);
      report.notices().forEach(progress::print);
      print(folder, report.lines(), report.toJson(), out);
    }
  }

  /** Pairs of answers: how often the reward model finds the better one. */
  private void evaluateReward(Path folder, PrintWriter out, Terminal progress) throws IOException {
    requireOnly(FOR_CLASSIFIER, "a reward model, which compares pairs");
    try (Backend backend = given.backend()) {
      PairReport report = PairReport.of(folder, data, backend);
      report.notices().forEach(progress::print);
      print(folder, report.lines(), report.toJson(), out);
    }
  }

  /** A report as lines for a person, or as JSON with the model it is of. */
  private void print(Path folder, List<String> lines, Map<String, Object> fields, PrintWriter out)
      throws IOException {
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", folder.toString());
      result.putAll(fields);
      out.println(JSON.std.asString(result));
    } else {
      lines.forEach(out::println);
    }
  }

  private void compareFiles(PrintWriter out) throws IOException {
    requireOnly(FOR_FILES, "--bleu HYP REF, which needs no model");
    Path translations = given.named();
    Path right =
        references.orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "--bleu needs two files, as in: jambic eval --bleu hyp.txt ref.txt, or a model and"
                    + " pairs: jambic eval out --bleu --data test.tsv"));
    BleuReport report = BleuReport.ofFiles(translations, right);
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("hypotheses", translations.toString());
      result.put("references", right.toString());
      result.putAll(report.toJson());
      out.println(JSON.std.asString(result));
    } else {
      out.print(report.text());
    }
  }

  /** Prompts with their right answers: how many the model knows. */
  private void evaluateAnswers(PrintWriter out) {
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
      if (OF_LOSS.contains(option.longestName())) {
        throw new ParameterException(
            spec.commandLine(),
            Text.format(
                "%s is for the loss over a text; %s has prompts to answer (with --text-field it is"
                    + " a text)",
                option.longestName(), data.orElseThrow()));
      }
    }
    requirePositive("--response-length", responseLength);
    requirePositive("--limit", limit);
    try (Backend backend = given.backend();
        Checkpoint<GptConfig, Gpt> checkpoint = given.checkpoint();
        Gpt model = quantization.of(checkpoint.model(backend))) {
      AnswerReport.print(
          model,
          RunFolder.tokenizer(checkpoint),
          ChatTemplate.find(checkpoint.folder()),
          Path.of(data.orElseThrow()),
          new AnswerReport.Limits(
              responseLength.orElse(Integer.MAX_VALUE), limit.orElse(Integer.MAX_VALUE)),
          rater,
          json,
          out);
    }
  }

  private void requirePositive(String option, Optional<Integer> value) {
    if (value.isPresent() && value.get() < 1) {
      throw new ParameterException(
          spec.commandLine(), Text.format("%s must be at least 1, not %d", option, value.get()));
    }
  }

  private GptConfig shape(GptConfig stored) {
    if (blockSize.isPresent() && blockSize.get() > stored.blockSize()) {
      throw new ParameterException(
          spec.commandLine(),
          Text.format(
              "--block-size can be at most %d, the context of the model, not %d",
              stored.blockSize(), blockSize.get()));
    }
    return blockSize.map(stored::withBlockSize).orElse(stored);
  }

  private TrainingData data(Corpora corpora, Checkpoint<GptConfig, Gpt> checkpoint, int context) {
    String name =
        data.or(() -> RunFolder.of(checkpoint.folder()).record().data())
            .orElseThrow(() ->
                new JambicException(
                    given.named()
                        + " does not say which text it was trained on; name one with --data"));
    Tokenizer tokenizer = RunFolder.tokenizer(checkpoint, Optional.of(name));
    Optional<String> ofRun =
        data.isEmpty() ? RunFolder.of(checkpoint.folder()).record().textField() : Optional.empty();
    return TrainingData.load(
        corpora.remembering(RunFolder.of(checkpoint.folder()).record().dataFile()),
        Optional.of(name),
        field.name().or(() -> ofRun),
        Optional.of(tokenizer),
        context);
  }
}

package jambic.app;

import jambic.app.cli.BackendOptions;
import jambic.app.cli.Interruption;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.app.cli.TrainFlags;
import jambic.app.cli.Version;
import jambic.app.cli.Vocabulary;
import jambic.app.data.PairCorpora;
import jambic.app.data.PairMeasure;
import jambic.app.ranks.RankOptions;
import jambic.app.run.RunDisplay;
import jambic.app.run.ShellCommand;
import jambic.app.terminal.LongRun;
import jambic.app.terminal.Terminal;
import jambic.model.io.ErrorText;
import jambic.model.text.BpeTrainer;
import jambic.model.text.Tokenizer;
import jambic.model.translator.TranslationPipeline;
import jambic.model.translator.TranslationSettings;
import jambic.model.translator.TranslationTokenizer;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.TranslatorTrainer;
import jambic.train.config.TranslationConfig;
import jambic.train.config.TranslationPreset;
import jambic.train.pairs.CldrPairs;
import jambic.train.pairs.LanguagePair;
import jambic.train.pairs.Pair;
import jambic.train.pairs.PairSplit;
import jambic.train.parallel.DataParallel;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * What {@code train} does with a preset of a translator, or a run of one.
 *
 * @param spec for errors, and what was typed
 * @param interruption whether to stop
 * @param display how the run is shown
 * @param preset the preset, empty for a run that is resumed
 * @param out the run's folder, empty for a new one
 * @param data a name of pairs, or files
 * @param valid the same for the pairs to measure with
 * @param languages which side is which
 * @param tokenizer of a vocabulary of both sides; empty to learn one
 * @param computing the backend
 * @param shared the ranks' options
 * @param ranks that train together
 * @param json whether to print an object at the end
 */
record TranslationTraining(
    CommandSpec spec,
    Interruption interruption,
    RunDisplay display,
    Optional<TranslationPreset> preset,
    Optional<Path> out,
    Optional<String> data,
    Optional<String> valid,
    Optional<LanguagePair> languages,
    Optional<String> tokenizer,
    BackendOptions computing,
    RankOptions shared,
    DataParallel ranks,
    boolean json) {
  private static final int SAMPLES = 5;

  int call() {
    Optional<RunRecord> recorded =
        preset.isPresent()
            ? Optional.empty()
            : out.map(path -> new RunFolder(path).recordToResume());
    TranslationConfig config =
        TrainFlags.over(
            preset
                .map(TranslationPreset::config)
                .or(() -> TranslatorTrainer.configOf(out.orElseThrow()))
                .orElseThrow(),
            spec);
    Optional<Tokenizer> given = given();
    Function<String, Optional<String>> dtype =
        backend ->
            recorded.map(record -> computing.dtype(record, backend)).orElseGet(computing::dtype);
    String name = data.or(() -> recorded.flatMap(RunRecord::data)).orElse(CldrPairs.NAME);
    Optional<String> validName =
        data.isPresent() ? valid : valid.or(() -> recorded.flatMap(r -> r.text(RunRecord.VALID)));
    Optional<LanguagePair> sides = languages.or(() -> recorded.flatMap(RunRecord::languages));
    try (Backend backend =
        computing.open(
            spec.commandLine(),
            recorded.flatMap(RunRecord::backend).orElse(BackendOptions.AUTO),
            dtype)) {
      terminal().print("pairs    reading " + name);
      PairSplit pairs =
          shared.firstOnFirst(
              () -> // may download
              PairCorpora.of(terminal()).load(name, validName, sides, PairMeasure.HELD_OUT));
      RunFolder folder =
          out.map(RunFolder::new)
              .orElseGet(() ->
                  new RunFolder(
                      shared.folder(() ->
                          RunFolder.fresh(
                                  Path.of("runs"),
                                  preset.orElseThrow().presetName()
                                      + "-"
                                      + RunFolder.shortName(name))
                              .path())));
      try (TranslatorTrainer trainer = open(backend, config, pairs, given, folder.path())) {
        if (!ranks.isFirst()) {
          return display.join(trainer::run);
        }
        tell(trainer, pairs, backend, folder);
        Map<String, Optional<String>> chosen = new LinkedHashMap<>();
        chosen.put(
            RunRecord.PRESET,
            preset
                .map(TranslationPreset::presetName)
                .or(() -> recorded.flatMap(RunRecord::preset)));
        chosen.put(RunRecord.DATA, Optional.of(PairCorpora.lastingName(name)));
        chosen.put(RunRecord.VALID, validName.map(PairCorpora::lastingName));
        chosen.put(RunRecord.SOURCE_LANG, sides.map(LanguagePair::source));
        chosen.put(RunRecord.TARGET_LANG, sides.map(LanguagePair::target));
        chosen.put(
            RunRecord.TOKENIZER,
            tokenizer.map(TrainCommand::lasting).or(() -> recorded.flatMap(RunRecord::tokenizer)));
        chosen.put(RunRecord.DTYPE, dtype.apply(backend.name()));
        folder.write(
            RunRecord.of(
                Version.own(),
                chosen,
                pairs.fingerprint(),
                backend,
                trainer.model().parameters().count(),
                config));
        return train(trainer, config, pairs, folder.path());
      } finally {
        if (out.isEmpty() && ranks.isFirst()) {
          folder.deleteIfEmpty(); // of a run that did not begin
        }
      }
    }
  }

  /** The tokenizer that was asked for. */
  private Optional<Tokenizer> given() {
    if (tokenizer.isPresent() && preset.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "--resume goes on with the run's own vocabulary; leave --tokenizer out");
    }
    if (tokenizer.isPresent()
        && spec.commandLine().getParseResult().hasMatchedOption("--vocab-size")) {
      throw new ParameterException(
          spec.commandLine(),
          "--vocab-size is of a vocabulary to learn; leave it or --tokenizer out");
    }
    return tokenizer.map(name -> Vocabulary.named(name, spec.commandLine()));
  }

  private TranslatorTrainer open(
      Backend backend,
      TranslationConfig config,
      PairSplit pairs,
      Optional<Tokenizer> given,
      Path folder) {
    if (preset.isEmpty()) {
      return TranslatorTrainer.resume(backend, config, pairs, folder, ranks);
    }
    Tokenizer vocabulary = given.orElseGet(() -> vocabulary(pairs, config.batch().vocabSize()));
    return TranslatorTrainer.begin(backend, config, pairs, vocabulary, folder, ranks);
  }

  /** Learns a vocabulary of both sides of the pairs to train on. */
  private static Tokenizer vocabulary(PairSplit pairs, int size) {
    BpeTrainer trainer = new BpeTrainer();
    for (Pair pair : pairs.train()) {
      for (String text : List.of(pair.source(), pair.target())) {
        trainer.add(text);
        trainer.endText();
      }
    }
    return trainer.trainForTranslation(size, merges -> {});
  }

  private void tell(TranslatorTrainer trainer, PairSplit pairs, Backend backend, RunFolder folder) {
    TranslatorConfig shape = trainer.model().config();
    terminal()
        .print(
            Text.format(
                "pairs    %,d to train on and %,d held back%s",
                pairs.train().size(), pairs.valid().size(), left(trainer, pairs)));
    terminal()
        .print(
            Text.format(
                "model    %,d parameters: %d + %d layers, %s, %d wide, %,d tokens",
                trainer.model().parameters().count(),
                shape.encoderLayers(),
                shape.decoderLayers(),
                ErrorText.count(shape.encoderHeads(), "head"),
                shape.width(),
                shape.vocabSize()));
    terminal().print("backend  " + backend.name() + ", " + backend.description());
    computing.passedOver().forEach(reason -> terminal().print("         " + reason));
    terminal().print("run      " + folder.path());
  }

  private static String left(TranslatorTrainer trainer, PairSplit pairs) {
    StringBuilder left = new StringBuilder();
    append(left, pairs.blank(), "empty on a side");
    append(left, pairs.shared(), "with a source that is held back");
    String before = left.isEmpty() ? "" : "; left out before are " + left;
    return trainer.dropped() == 0
        ? before
        : Text.format("; of these, %,d are too long and left out%s", trainer.dropped(), before);
  }

  private static void append(StringBuilder left, int count, String why) {
    if (count > 0) {
      left.append(left.isEmpty() ? "" : ", ").append(Text.format("%,d %s", count, why));
    }
  }

  private int train(
      TranslatorTrainer trainer, TranslationConfig config, PairSplit pairs, Path folder) {
    if (!display.show(config, folder, trainer::iteration, LongRun::plainNotice, trainer::run)) {
      return Main.INTERRUPTED;
    }
    finish(trainer, pairs, folder);
    return interruption.isRequested() ? Main.INTERRUPTED : 0;
  }

  private Terminal terminal() {
    return display.terminal();
  }

  private void finish(TranslatorTrainer trainer, PairSplit pairs, Path folder) {
    List<Metrics> log = MetricsLog.read(folder.resolve(MetricsLog.FILE_NAME));
    RunDisplay.draw(terminal(), log, folder);
    List<Pair> some = pairs.valid().subList(0, Math.min(SAMPLES, pairs.valid().size()));
    TranslationPipeline pipeline = // the trainer closes the model
        new TranslationPipeline(
            trainer.model(),
            TranslationTokenizer.of(trainer.tokenizer()),
            TranslationSettings.of(trainer.model().config()));
    List<String> translations = pipeline.translate(some.stream().map(Pair::source).toList());
    terminal().print("");
    for (int i = 0; i < some.size(); i++) {
      terminal().print(some.get(i).source() + "  ->  " + translations.get(i));
    }
    terminal().print("");
    terminal().print("curve    " + folder.resolve(RunFolder.CURVES.getFirst()));
    TrainReport.tellAverage(terminal(), folder);
    terminal().print("next     " + ShellCommand.of("translate", folder));
    if (json) {
      print(trainer, log, translations, folder);
    }
  }

  private void print(
      TranslatorTrainer trainer, List<Metrics> log, List<String> translations, Path folder) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("run", folder.toString());
    summary.put("iterations", trainer.iteration());
    log.stream()
        .filter(Metrics.Evaluation.class::isInstance)
        .map(Metrics.Evaluation.class::cast)
        .reduce((first, second) -> second)
        .ifPresent(last -> {
          summary.put("train_loss", last.trainLoss());
          summary.put("val_loss", last.valLoss());
          last.bleu().ifPresent(bleu -> summary.put("bleu", bleu));
          last.chrF().ifPresent(chrF -> summary.put("chrf", chrF));
        });
    summary.put("translations", translations);
    spec.commandLine().getOut().println(RunDisplay.json(summary));
  }
}

package jambic.app;

import jambic.app.cli.RunFolder;
import jambic.app.data.TrainingData;
import jambic.app.run.RunDisplay;
import jambic.app.run.ShellCommand;
import jambic.app.terminal.Terminal;
import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.spi.Backend;
import jambic.tensor.text.Text;
import jambic.train.Trainer;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunListener.Sample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What {@code train} prints before and after the progress of a run.
 *
 * @param terminal where
 */
record TrainReport(Terminal terminal) {
  private static final int SAMPLE_LENGTH = 300;
  private static final int SAMPLE_LENGTH_BETWEEN = 200; // at evaluations

  /** What a run trains, on what and where. */
  void begin(
      TrainingData data, Gpt gpt, Backend backend, RunFolder folder, List<String> passedOver) {
    GptConfig model = gpt.config();
    long trained = gpt.parameters().trainedCount() + gpt.adapters().trainedCount();
    long all = gpt.parameters().count() + gpt.adapters().count();
    terminal.print(
        Text.format(
            "text     %s, %,d tokens to train on and %,d held back, %,d different ones",
            data.name(),
            data.dataset().train().length(),
            data.dataset().val().length(),
            model.vocabSize()));
    terminal.print(
        Text.format(
            "model    %,d parameters: %s, %s, %d wide, context %d",
            all,
            ErrorText.count(model.nLayer(), "layer"),
            ErrorText.count(model.nHead(), "head"),
            model.nEmbd(),
            model.blockSize()));
    if (trained < all) {
      terminal.print(Text.format("         %,d of %,d parameters train", trained, all));
    }
    terminal.print("backend  " + backend.name() + ", " + backend.description());
    passedOver.forEach(reason -> terminal.print("         " + reason));
    terminal.print("run      " + folder.path());
  }

  /** The curve and a sample of a run that is over. */
  Map<String, Object> finish(
      Trainer trainer, Tokenizer tokenizer, Path folder, BooleanSupplier stop) {
    List<Metrics> log = MetricsLog.read(folder.resolve(MetricsLog.FILE_NAME));
    RunDisplay.draw(terminal, log, folder);
    String sample = sample(trainer.model(), tokenizer, SAMPLE_LENGTH, stop);
    terminal.print("");
    terminal.print(sample.strip());
    terminal.print("");
    terminal.print("curve    " + folder.resolve(RunFolder.CURVES.getFirst()));
    tellAverage(terminal, folder);
    terminal.print("next     " + ShellCommand.of("sample", folder));
    terminal.print("         " + ShellCommand.of("eval", folder));
    return summary(trainer, log, sample, folder);
  }

  /** Names the mean of the last checkpoints, where a run has saved one. */
  static void tellAverage(Terminal terminal, Path folder) {
    Path averaged = folder.resolve(RunCheckpoints.AVERAGED);
    if (AtomicFolder.exists(averaged)) {
      try (Stream<Path> files = Files.list(folder)) {
        long count =
            files.filter(file -> file.getFileName().toString().startsWith("iteration-")).count();
        terminal.print(
            Text.format("average  %s, of %s", averaged, ErrorText.count(count, "evaluation")));
      } catch (IOException e) {
        terminal.print("average  " + averaged);
      }
    }
  }

  /** Writes what {@link #finish} shows, shorter, while the run goes on. */
  Supplier<List<Sample>> sampler(Gpt model, Tokenizer tokenizer, BooleanSupplier stop) {
    return () -> {
      String text = sample(model, tokenizer, SAMPLE_LENGTH_BETWEEN, stop);
      return stop.getAsBoolean() ? List.of() : List.of(new Sample("", text, Map.of()));
    };
  }

  private static String sample(Gpt model, Tokenizer tokenizer, int length, BooleanSupplier stop) {
    StringBuilder text = new StringBuilder();
    Set<Integer> ends = model.generation().endTokensOr(Optional.of(tokenizer));
    try (Generator generator = new Generator(model, 1, ends)) {
      generator.stream(
          tokenizer,
          SampleCommand.start(tokenizer),
          length,
          SamplingParams.plain(1),
          piece -> {
            text.append(piece);
            return !stop.getAsBoolean();
          });
    }
    return text.toString();
  }

  private static Map<String, Object> summary(
      Trainer trainer, List<Metrics> log, String sample, Path folder) {
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
        });
    summary.put("sample", sample);
    return summary;
  }
}

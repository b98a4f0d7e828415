package jambic.example;

import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.text.CharTokenizer;
import jambic.tensor.Backends;
import jambic.train.Trainer;
import jambic.train.config.Preset;
import jambic.train.data.Dataset;
import jambic.train.data.TextFile;
import jambic.train.data.TokenSource;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import java.nio.file.Path;
import java.util.Locale;

/** Trains a GPT on a text and lets it write: {@code Example TEXT FOLDER ITERATIONS}. */
final class Example {
  private Example() {}

  public static void main(String[] args) {
    var text = TextFile.read(Path.of(args[0]));
    var tokenizer = CharTokenizer.of(text);
    var config = Preset.LECTURE_SMALL.config().with("maxIters", args[2]);
    var data =
        Dataset.split(TokenSource.of(tokenizer.encode(text)), config.model().blockSize(), args[0]);

    try (var backend = Backends.open();
        var trainer = Trainer.begin(backend, config, data, tokenizer, Path.of(args[1]))) {
      trainer.run(new Progress());

      try (var generator = new Generator(trainer.model(), 1)) {
        generator.stream(
            tokenizer,
            "\n",
            200,
            SamplingParams.plain(42),
            piece -> {
              System.out.print(piece);
              return true;
            });
      }
    }
  }

  private record Progress() implements RunListener {
    @Override
    public void onEvaluation(Metrics.Evaluation evaluation) {
      System.out.printf(
          Locale.ROOT, "%d: validation loss %.3f%n", evaluation.iter(), evaluation.valLoss());
    }
  }
}

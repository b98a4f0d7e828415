package jambic.example;

import jambic.model.CharTokenizer;
import jambic.model.Generator;
import jambic.model.Sampling;
import jambic.tensor.Backends;
import jambic.train.RunListener;
import jambic.train.Dataset;
import jambic.train.Metrics;
import jambic.train.Preset;
import jambic.train.TextFile;
import jambic.train.Tokens;
import jambic.train.Trainer;
import java.nio.file.Path;

/** Trains a GPT on a text and lets it write: {@code Example TEXT FOLDER ITERATIONS}. */
final class Example {
  private Example() {}

  public static void main(String[] args) {
    var text = TextFile.read(Path.of(args[0]));
    var tokenizer = CharTokenizer.of(text);
    var config = Preset.LECTURE_SMALL.config().with("maxIters", args[2]);
    var data = Dataset.split(Tokens.of(tokenizer.encode(text)), config.blockSize(), args[0]);

    try (var backend = Backends.open();
        var trainer = Trainer.begin(backend, config, data, tokenizer, Path.of(args[1]))) {
      trainer.run(new Progress());

      try (var generator = new Generator(trainer.model(), 1)) {
        generator.stream(
            tokenizer,
            "\n",
            200,
            Sampling.plain(42),
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

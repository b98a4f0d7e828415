package jambic.train;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.text.CharTokenizer;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.data.Dataset;
import jambic.train.data.TextFile;
import jambic.train.data.TokenSource;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of the package's overview. */
class OverviewTest {
  @TempDir Path folder;

  @Test
  void aTextIsLearned() throws IOException {
    Path file = folder.resolve("input.txt");
    Files.writeString(file, "To be, or not to be, that is the question.\n".repeat(40));
    List<Double> losses = new ArrayList<>();
    // @start region=train
    String text = TextFile.read(file);
    CharTokenizer tokenizer = CharTokenizer.of(text);
    TrainConfig config =
        Preset.LECTURE_SMALL
            .config()
            .withAll(Map.of("maxIters", 30, "evalInterval", 10, "evalIters", 5));
    Dataset data =
        Dataset.split(
            TokenSource.of(tokenizer.encode(text)), config.model().blockSize(), file.toString());

    try (Backend backend = Backends.open();
        Trainer trainer = Trainer.begin(backend, config, data, tokenizer, folder.resolve("run"))) {
      trainer.run(
          new RunListener() {
            @Override
            public void onEvaluation(Metrics.Evaluation evaluation) {
              losses.add(evaluation.valLoss()); // nats a token
            }
          });
    }
    // @end
    assertThat(losses).hasSize(4);
    assertThat(losses.getLast()).isLessThan(losses.getFirst());
  }
}

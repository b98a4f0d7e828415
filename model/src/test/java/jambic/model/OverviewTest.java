package jambic.model;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.Generator;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example of the package's overview. */
class OverviewTest {
  @TempDir Path temporary;

  @Test
  void aCheckpointWrites() {
    Path folder = temporary.resolve("checkpoint");
    CharTokenizer letters = CharTokenizer.of("ROMEO: juliet\n");
    var shape =
        new GptConfig(
            letters.vocabSize(),
            16,
            1,
            2,
            8,
            0,
            0,
            Activation.RELU,
            true,
            true,
            true,
            false,
            GptConfig.DEFAULT_NORM_EPS);
    try (Backend backend = Backends.open();
        Gpt untrained = new Gpt(backend, shape, new Initializer(0.02f, true, 1))) {
      Checkpoint.save(Gpt.FORMAT, folder, untrained, Optional.of(letters));
    }
    StringBuilder text = new StringBuilder();
    // @start region=write
    try (Backend backend = Backends.open();
        Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder);
        Gpt model = checkpoint.model(backend);
        Generator generator = new Generator(model, 1)) {
      Tokenizer tokenizer = checkpoint.tokenizer().orElseThrow();
      generator.stream(
          tokenizer,
          "ROMEO:",
          200,
          SamplingParams.plain(42),
          piece -> {
            text.append(piece);
            return true; // go on
          });
    }
    // @end
    assertThat(text).hasSize(200);
  }
}

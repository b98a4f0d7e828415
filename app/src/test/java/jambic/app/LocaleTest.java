package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written in a locale with digits of its own. */
class LocaleTest {
  private static final String OTHER_DIGITS = "[\\p{Nd}&&[^0-9]]";

  private final Locale before = Locale.getDefault();
  @TempDir Path folder;

  @BeforeEach
  void start() {
    Locale.setDefault(Locale.forLanguageTag("fa-IR"));
    assertThat("%d".formatted(7)).containsPattern(OTHER_DIGITS);
  }

  @AfterEach
  void end() {
    Locale.setDefault(before);
  }

  @Test
  void runsFilesAndSentencesHavePlainDigits() throws IOException {
    Path run = folder.resolve("run");
    CommandLineCall trained = TinyRun.train(TinyRun.text(folder), run, "--max-iters=2");
    assertThat(trained.code()).as(trained.err()).isZero();
    assertThat(trained.out() + trained.err()).doesNotContainPattern(OTHER_DIGITS);
    for (String file : List.of("run.json", "metrics.jsonl", "loss.svg", "last/config.json")) {
      assertThat(Files.readString(run.resolve(file))).doesNotContainPattern(OTHER_DIGITS);
    }
    assertThat(CommandLineCall.of("logits", run, "--ids=99").err())
        .isEqualTo(
            "jambic: token id 99 is not in the model's vocabulary of 30"
                + System.lineSeparator()
                + "Try 'jambic logits --help'."
                + System.lineSeparator());
    assertThat(CommandLineCall.of("plan", "gpt2").out())
        .contains("124")
        .doesNotContainPattern(OTHER_DIGITS);
  }
}

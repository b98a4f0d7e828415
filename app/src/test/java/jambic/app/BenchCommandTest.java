package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
  private static final Object[] TINY = {
    "bench",
    "--seconds",
    "0.2",
    "--n-layer",
    "1",
    "--n-embd",
    "16",
    "--n-head",
    "2",
    "--block-size",
    "8",
    "--batch-size",
    "2",
    "--threads",
    "1",
    "--json"
  };

  @Test
  void measuresStepsAndSamples() throws IOException {
    CommandLineCall call = CommandLineCall.of(TINY);
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> result = JSON.std.mapFrom(call.out());
    assertThat((Integer) result.get("steps")).isPositive();
    assertThat((Double) result.get("step_ms_min"))
        .isPositive()
        .isLessThanOrEqualTo((Double) result.get("step_ms_median"));
    assertThat((Double) result.get("train_tokens_per_s")).isPositive();
    assertThat((Double) result.get("sample_tokens_per_s")).isPositive();
  }

  @Test
  void measuresTheStepsAndTranslationsOfATranslator() throws IOException {
    CommandLineCall call =
        CommandLineCall.of(
            "bench",
            "--preset=translate-small",
            "--encoder-layers=1",
            "--decoder-layers=1",
            "--width=8",
            "--inner=8",
            "--heads=2",
            "--max-length=4",
            "--batch-tokens=16",
            "--seconds=0.2",
            "--threads=1",
            "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> result = JSON.std.mapFrom(call.out());
    assertThat(result).containsEntry("batch_sentences", 4).containsEntry("sentence_tokens", 4);
    assertThat((Integer) result.get("steps")).isPositive();
    assertThat((Double) result.get("step_ms_min")).isPositive();
    assertThat((Double) result.get("translated_sentences_per_s")).isPositive();
    CommandLineCall quantized =
        CommandLineCall.of("bench", "--preset=translate-small", "--quantize=int8");
    assertThat(quantized.code()).isEqualTo(2);
  }

  @Test
  void refusesAnImpossibleTime() {
    assertThat(CommandLineCall.of("bench", "--seconds", "-1").code()).isEqualTo(2);
    assertThat(CommandLineCall.of("bench", "--preset", "nanogtp").code()).isNotZero();
  }
}

package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanCommandTest {
  @Test
  void theDefaultRunIsPlannedForThisMachine() {
    CommandLineCall call = CommandLineCall.of("plan");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.err()).isEmpty();
    assertThat(call.out())
        .contains(
            "shakespeare-char-cpu: 4 layers, 4 heads of 32, 128 wide, context 64, 65 token ids")
        .contains("parameters   804,096; 795,904 without positions")
        .contains("by 6 N + 12 L H Q T", "counted product by product", "fits: cpu has")
        .containsPattern("on 1 x cpu \\(\\d+-bit vectors.* at an assumed MFU of 40 %")
        .contains("Chinchilla   15.9 million tokens are 20 N");
  }

  @Test
  void aPublishedModelIsPlannedOnNamedDevices() throws IOException {
    CommandLineCall call =
        CommandLineCall.of("plan", "gpt2", "--device=a100", "--devices=8", "--mfu=0.3", "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> plan = JSON.std.mapFrom(call.out());
    assertThat(plan)
        .containsEntry("parameters", 124_439_808)
        .containsEntry("parameters_without_positions", 123_653_376)
        .containsEntry("flops_per_token", 855_166_464.0)
        .containsEntry("tokens", 300e9)
        .containsEntry("learning_rate", 6e-4)
        .containsEntry("device_peak_flops", 312e12)
        .containsEntry("device_memory", 80_000_000_000L)
        .containsEntry("fits", true)
        .containsKeys("memory", "seconds", "step_s", "chinchilla_tokens");
    // 855,166,464 x 300 billion over 8 x 312 T x 0.3, of which 122 micro batches fill 122 of 128
    // turns
    assertThat((double) plan.get("seconds") / 86_400 * 122 / 128).isBetween(3.96, 3.97);
  }

  @Test
  void devicesThatHaveNothingToComputeSpeedNothingUp() {
    assertThat(planned("--devices=8"))
        .contains("busy 95.3 % of the time: of a step's 122 micro batches the busiest has 16, and");
    assertThat(planned("--devices=61")).doesNotContain("busy", "idle");
    String most = planned("--devices=122");
    String more = planned("--devices=100000");
    assertThat(more).contains("99,878 of them idle: a step has 122 micro batches of 4 windows;");
    assertThat(time(more)).isEqualTo(time(most)).startsWith("time   ");
  }

  @Test
  void anEfficiencyIsToldOnlyOfARunThatStarts() throws IOException {
    assertThat(planned("--devices=2")).contains("efficiency").doesNotContain("does not start so");
    assertThat(planned("--devices=8")).contains("does not start so").doesNotContain("efficiency");
    CommandLineCall json =
        CommandLineCall.of("plan", "--preset=gpt2", "--device=a100", "--devices=8", "--json");
    @SuppressWarnings("unchecked")
    Map<String, Object> scale = (Map<String, Object>) JSON.std.mapFrom(json.out()).get("scale_out");
    assertThat(scale).containsKey("communication_s").doesNotContainKey("efficiency");
  }

  @Test
  void aTranslatorOnSeveralDevicesHasFiguresOfTheNetwork() throws IOException {
    String[] words = {
      "plan",
      "transformer-base",
      "--device=a100",
      "--devices=4",
      "--network=ethernet-10g",
      "--gradient-accumulation-steps=8"
    };
    CommandLineCall text = CommandLineCall.of((Object[]) words);
    assertThat(text.code()).as(text.err()).isZero();
    // 2 x 4 bytes x 63,082,496 parameters x 3 / 4
    assertThat(text.out()).contains("4 over ethernet-10g", "each sends", "efficiency");
    words = Arrays.copyOf(words, words.length + 1);
    words[words.length - 1] = "--json";
    Map<?, ?> scale =
        (Map<?, ?>) JSON.std.mapFrom(CommandLineCall.of((Object[]) words).out()).get("scale_out");
    assertThat(((Number) scale.get("bytes_per_step")).doubleValue()).isEqualTo(6.0 * 63_082_496);
  }

  private static String planned(String devices) {
    CommandLineCall call = CommandLineCall.of("plan", "--preset=gpt2", "--device=a100", devices);
    assertThat(call.code()).as(call.err()).isZero();
    return call.out();
  }

  private static String time(String plan) {
    return plan.lines().filter(line -> line.startsWith("time")).findFirst().orElseThrow();
  }

  @Test
  void aTranslatorIsPlanned() throws IOException {
    CommandLineCall text = CommandLineCall.of("plan", "transformer-base", "--device=h100");
    assertThat(text.code()).as(text.err()).isZero();
    assertThat(text.out())
        .contains("6 + 6 layers, 8 heads of 64, 512 wide, at most 256 tokens a side, 37,000 token")
        .contains("parameters   63,082,496;", "decoder/cross-attention", "100,000 steps")
        .contains("fits: h100 has", "tokens a side in a second");
    CommandLineCall json =
        CommandLineCall.of(
            "plan", "translate-small", "--device=h100", "--vocab-size=3000", "--json");
    assertThat(JSON.std.mapFrom(json.out()))
        .containsEntry("parameters", 1_181_696 + 128 * 1000)
        .containsEntry("vocab_size", 3000)
        .containsKeys("memory", "seconds", "flops");
  }

  @Test
  void flagsOfTheOtherKindAreRefused() {
    CommandLineCall gpt = CommandLineCall.of("plan", "gpt2", "--device=h100", "--batch-tokens=9");
    assertThat(gpt.code()).isEqualTo(2);
    assertThat(gpt.err()).contains("--batch-tokens is for a translator");
    CommandLineCall tokens = CommandLineCall.of("plan", "transformer-base", "--tokens=1e9");
    assertThat(tokens.code()).isEqualTo(2);
    assertThat(tokens.err()).contains("--tokens is for a GPT; give --max-iters");
  }

  @Test
  void theNameIsGivenOnce() {
    CommandLineCall call = CommandLineCall.of("plan", "gpt2", "--preset", "lecture");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: NAME and --preset exclude each other; give one");
  }

  @Test
  void flagsWinOverWhereTheyStart() throws IOException {
    CommandLineCall call =
        CommandLineCall.of(
            "plan",
            "gpt3-175b",
            "--batch-size=1",
            "--n-layer=1",
            "--vocab-size=100",
            "--device=h200",
            "--tokens=1e9",
            "--json");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(JSON.std.mapFrom(call.out()))
        .containsEntry("n_layer", 1)
        .containsEntry("n_embd", 12_288)
        .containsEntry("vocab_size", 100)
        .containsEntry("tokens", 1e9);
    CommandLineCall iterations =
        CommandLineCall.of(
            "plan", "gpt2", "--max-iters=10", "--lr-decay-iters=10000", "--device=h100", "--json");
    assertThat(JSON.std.mapFrom(iterations.out())).containsEntry("tokens", 4_997_120.0);
  }

  @Test
  void memoryOnTheCpuIsWhatItsRegionsTake() throws IOException {
    CommandLineCall call = CommandLineCall.of("plan", "lecture-small", "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<?, ?> memory = (Map<?, ?>) JSON.std.mapFrom(call.out()).get("memory");
    assertThat((int) memory.get("regions")).isGreaterThan((int) memory.get("total"));
    assertThat(memory.get("weights")).isEqualTo(memory.get("gradients"));
  }

  @Test
  void theTablesAreListed() throws IOException {
    CommandLineCall call = CommandLineCall.of("plan", "--list");
    assertThat(call.code()).isZero();
    assertThat(call.out())
        .containsPattern("gpt2 +124,439,808 +12 +768 +12 +64 +1,024 +500,000 +6.0e-4")
        .containsPattern(
            "gpt3-175b +174,\\d+,\\d+,\\d+ +96 +12,288 +96 +128 +2,048 +3,200,000 +0.6e-4 +300,000,000,000")
        .contains("gpt3-xl: table 2.1 prints 24 heads")
        .contains("gpt2, gpt2-medium, gpt2-large, gpt2-xl: batch, learning rate and tokens are of")
        .containsPattern("h200 +989 +141");
    var all = JSON.std.mapFrom(CommandLineCall.of("plan", "--list", "--json").out());
    assertThat((List<?>) all.get("models")).hasSize(12);
    assertThat((List<?>) all.get("devices")).isNotEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          gpt2-xxl          | there is no preset or model gpt2-xxl; did you mean gpt2-xl?
          --device=h101     | there is no device h101; did you mean h100? There are cpu,
          --device=abacus   | there is no device abacus; there are cpu,
          --devices=0       | --devices must be at least 1, not 0
          --mfu=0           | --mfu must be above 0 and at most 1, not 0
          --mfu=40          | --mfu must be above 0 and at most 1, not 40
          --tokens=0        | --tokens must be from 1 to 1e18, not 0
          --tokens=-5       | --tokens must be from 1 to 1e18, not -5
          --tokens=2e18     | --tokens must be from 1 to 1e18, not 2e18
          --preset=gpt2-xxl | there is no preset or model gpt2-xxl; did you mean gpt2-xl?
          --n-embd=7        | --n-embd (7) must be divisible by --n-head (4)
          """)
  void whatIsWrongIsOneSentence(String argument, String sentence) {
    CommandLineCall call = CommandLineCall.of("plan", argument);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(2);
  }

  @Test
  void aModelThatNoMachineHoldsIsRefused() {
    CommandLineCall call =
        CommandLineCall.of("plan", "lecture", "--n-layer=1000000000", "--device=h100");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .contains("no machine has that much; lower --n-layer or --n-embd")
        .hasLineCount(1);
  }
}

package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.tensor.Backends;
import jambic.tensor.Precision;
import jambic.tensor.spi.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvalCommandTest {
  @TempDir static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(folder);
  }

  @Test
  void theRunsOwnTextIsKnown() {
    CommandLineCall call = CommandLineCall.of("eval", run);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out())
        .matches(
            "val    loss \\d\\.\\d{4}  perplexity \\d+\\.\\d{3}  over 90 tokens of .*text.txt\\R");
  }

  @Test
  void autoByNameSaysWhatItPassesOver() {
    List<String> said;
    Backends.Choice choice = Backends.choose(1, _ -> Precision.BEST);
    try (Backend backend = choice.backend()) {
      said =
          choice.passedOver().entrySet().stream()
              .map(better ->
                  "jambic: computing on %s, no %s: %s"
                      .formatted(backend.name(), better.getKey(), better.getValue().reason()))
              .toList();
    }
    assertThat(CommandLineCall.of("eval", run, "--backend=auto").err().lines())
        .containsExactlyElementsOf(said);
    assertThat(CommandLineCall.of("eval", run).err()).isEmpty();
  }

  @Test
  void bothPartsAsJson() throws IOException {
    CommandLineCall call =
        CommandLineCall.of("eval", run.resolve("last"), "--split=both", "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> fields = JSON.std.mapFrom(call.out());
    assertThat(fields).containsEntry("train_tokens", 810).containsEntry("val_tokens", 90);
    double loss = ((Number) fields.get("val_loss")).doubleValue();
    assertThat(loss).isBetween(2.0, 4.0);
    assertThat(((Number) fields.get("val_perplexity")).doubleValue())
        .isCloseTo(Math.exp(loss), within(1e-9));
  }

  @Test
  void roundedWeightsCostALittle() throws IOException {
    double whole = loss(CommandLineCall.of("eval", run, "--json"));
    double rounded = loss(CommandLineCall.of("eval", run, "--json", "--quantize", "int8"));
    assertThat(rounded).isNotEqualTo(whole).isCloseTo(whole, within(0.02));
  }

  @Test
  void onlyEightBitsAreKnown() {
    CommandLineCall call = CommandLineCall.of("eval", run, "--quantize", "int4");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: --quantize must be int8, not 'int4'");
  }

  private static double loss(CommandLineCall call) throws IOException {
    assertThat(call.code()).as(call.err()).isZero();
    return ((Number) JSON.std.mapFrom(call.out()).get("val_loss")).doubleValue();
  }

  @Test
  void aTextThatTheModelCannotReadIsAnErrorThatNamesTheCharacter() throws IOException {
    Path text = Files.writeString(folder.resolve("greek.txt"), "The ω ".repeat(50));
    CommandLineCall call = CommandLineCall.of("eval", run, "--data", text);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .startsWith("jambic: " + text + " does not fit the model: the character 'ω' (U+03C9")
        .hasLineCount(1);
  }

  @Test
  void aCheckpointWithoutItsRunNeedsAText() throws IOException {
    Path copy = Files.createDirectories(folder.resolve("elsewhere/model"));
    for (String file : new String[] {"config.json", "model.safetensors", "tokenizer.json"}) {
      Files.copy(run.resolve("best").resolve(file), copy.resolve(file));
    }
    CommandLineCall call = CommandLineCall.of("eval", copy);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("name one with --data").hasLineCount(1);
    assertThat(CommandLineCall.of("eval", copy, "--data", folder.resolve("text.txt")).out())
        .isEqualTo(CommandLineCall.of("eval", run).out());
  }

  @Test
  void randomBatchesEstimateTheLoss() throws IOException {
    CommandLineCall call =
        CommandLineCall.of("eval", "--model", run, "--eval-iters=50", "--batch-size=4", "--json");
    assertThat(loss(call)).isCloseTo(loss(CommandLineCall.of("eval", run, "--json")), within(0.1));
    assertThat(JSON.std.mapFrom(call.out())).containsEntry("val_tokens", 50 * 4 * 8);
    CommandLineCall few = CommandLineCall.of("eval", run, "--eval-iters=2");
    assertThat(few.out()).contains("over 128 random tokens of ");
    assertThat(CommandLineCall.of("eval", run, "--eval-iters=2")).isEqualTo(few);
  }

  @Test
  void aShorterContextPredictsWorse() throws IOException {
    double whole = loss(CommandLineCall.of("eval", run, "--json"));
    assertThat(loss(CommandLineCall.of("eval", run, "--block-size=1", "--json")))
        .isNotEqualTo(whole);
    CommandLineCall longer = CommandLineCall.of("eval", run, "--block-size=9");
    assertThat(longer.code()).isEqualTo(2);
    assertThat(longer.err()).startsWith("jambic: --block-size can be at most 8");
    assertThat(CommandLineCall.of("eval", run, "--eval-iters=0").err())
        .startsWith("jambic: --eval-iters must be at least 1, not 0");
  }

  @Test
  void preparedDataBringsTheVocabularyThatAModelLacks() throws IOException {
    Path text = folder.resolve("text.txt");
    Path data = folder.resolve("data");
    CommandLineCall.of("prepare", text, "--tokenizer", "char", "--out", data);
    Path bare = Files.createDirectories(folder.resolve("bare"));
    for (String file : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(run.resolve("best").resolve(file), bare.resolve(file));
    }
    assertThat(loss(CommandLineCall.of("eval", bare, "--data", data, "--json")))
        .isEqualTo(loss(CommandLineCall.of("eval", run, "--data", data, "--json")));
    assertThat(CommandLineCall.of("eval", bare, "--data", text).err())
        .contains("has no tokenizer.json, so it can neither read nor write text");
    Path tuned = folder.resolve("tuned");
    Object[] train = {
      "train", "--init", bare, "--data", data, "--out", tuned, "--max-iters=1", "--eval-iters=1"
    };
    CommandLineCall call = CommandLineCall.of(train);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(tuned.resolve("last/tokenizer.json"))
        .hasSameTextualContentAs(data.resolve("tokenizer.json"));

    CommandLineCall.of("prepare", text, "--train-bpe", 300, "--out", data);
    CommandLineCall other = CommandLineCall.of("eval", bare, "--data", data);
    assertThat(other.code()).isEqualTo(1);
    assertThat(other.err())
        .matches(
            "jambic: .*bare has no tokenizer.json, and that of .*data has \\d+ tokens but the model"
                + " 30; put there the one it was trained with\\R");
  }

  @Test
  void anotherPartIsAUsageError() {
    assertThat(CommandLineCall.of("eval", run, "--split=test").code()).isEqualTo(2);
    assertThat(CommandLineCall.of("eval").code()).isEqualTo(2);
    assertThat(CommandLineCall.of("eval", run, "-m", run).err())
        .startsWith("jambic: MODEL and --model exclude each other; give one of them");
  }
}

package jambic.app;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.RunFolder;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that take a model in Hugging Face's form: logits, export. */
class ReleasedModelTest {
  @TempDir static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = folder.resolve("run");
    CommandLineCall call =
        TinyRun.train(TinyRun.text(folder), run, "--head-bias=false", "--max-iters=2");
    assertThat(call.code()).as(call.err()).isZero();
  }

  @Test
  void logitsAreScoresOfAllTokensAfterEach() throws IOException {
    CommandLineCall call = CommandLineCall.of("logits", "-m", run, "--ids", "3, 1,2", "--json");
    assertThat(call.code()).as(call.err()).isZero();
    Map<String, Object> json = JSON.std.mapFrom(call.out());
    assertThat(json).containsEntry("ids", List.of(3, 1, 2));
    assertThat((List<?>) json.get("logits"))
        .hasSize(3)
        .allSatisfy(row -> assertThat((List<?>) row).hasSize(30));
    CommandLineCall last =
        CommandLineCall.of("logits", "-m", run, "--ids", "3,1,2", "--json", "--last");
    assertThat((List<?>) JSON.std.mapFrom(last.out()).get("logits"))
        .isEqualTo(((List<?>) json.get("logits")).subList(2, 3));
    CommandLineCall few = CommandLineCall.of("logits", "-m", run, "--prompt", "The");
    assertThat(few.out().lines()).hasSize(3).allMatch(line -> line.startsWith("after "));
  }

  @Test
  void tokensThatTheModelCannotReadAreOneSentence() {
    assertFails("token id 30 is not in the model's vocabulary of 30", "--ids", "1,30");
    assertFails("token id -1 is not in the model's vocabulary of 30", "--ids", "-1");
    assertFails(
        "the model's context is 8 tokens, got 9; give it the last 8", "--prompt", "The quick");
  }

  @Test
  void scoresThatAreNoNumbersAreRefused() throws IOException {
    Path broken = Files.createDirectories(folder.resolve("broken"));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(run.resolve("last").resolve(file), broken.resolve(file));
    }
    try (var weights = FileChannel.open(broken.resolve("model.safetensors"), READ, WRITE)) {
      MappedByteBuffer bytes = weights.map(MapMode.READ_WRITE, 0, weights.size());
      byte[] header = new byte[bytes.order(ByteOrder.LITTLE_ENDIAN).getInt(0)];
      bytes.get(8, header);
      Map<?, ?> tensors = JSON.std.mapFrom(new String(header, StandardCharsets.UTF_8));
      Map<?, ?> positions = (Map<?, ?>) tensors.get("transformer.wpe.weight");
      int offset = (int) ((List<?>) positions.get("data_offsets")).getFirst();
      bytes.putFloat(8 + header.length + offset, Float.NaN);
    }
    for (String form : List.of("--json", "--last")) {
      CommandLineCall call = CommandLineCall.of("logits", "-m", broken, "--ids", "3,1", form);
      assertThat(call.code()).isEqualTo(1);
      assertThat(call.out()).isEmpty();
      assertThat(call.err()).contains(" is NaN: the model's weights are damaged").hasLineCount(1);
    }
  }

  private static void assertFails(String sentence, String... given) {
    CommandLineCall call = CommandLineCall.of("logits", "-m", run, given[0], given[1]);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: " + sentence + System.lineSeparator());
  }

  @Test
  void anExportComputesTheSame() throws IOException {
    Path out = folder.resolve("exported");
    Files.createDirectories(out);
    Path notes = Files.writeString(out.resolve("notes.txt"), "mine");
    CommandLineCall refused = CommandLineCall.of("export", run, "--out", out);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains(out + " holds notes.txt, which saving a model there would delete");
    assertThat(notes).hasContent("mine");
    Files.delete(notes);
    assertThat(CommandLineCall.of("export", run, "--out", run.resolve("last")).err())
        .contains("which saving a model there would delete");

    CommandLineCall call = CommandLineCall.of("export", run, "--out", out);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(JSON.std.mapFrom(Files.readString(out.resolve("config.json"))))
        .containsEntry("model_type", "gpt2")
        .containsEntry("activation_function", "relu")
        .containsEntry("tie_word_embeddings", false);
    String[] ids = {"--ids", "5,4,3,2,1", "--json"};
    assertThat(CommandLineCall.of("logits", "-m", out, ids[0], ids[1], ids[2]).out())
        .isEqualTo(CommandLineCall.of("logits", "-m", run, ids[0], ids[1], ids[2]).out());
  }

  @Test
  void anExportKeepsTheIdsThatBeginAndEndAText() throws IOException {
    Path model = folder.resolve("ends");
    assertThat(CommandLineCall.of("export", run, "--out", model).code()).isZero();
    Path config = model.resolve("config.json");
    assertThat(JSON.std.mapFrom(Files.readString(config)))
        .containsEntry("bos_token_id", null)
        .containsEntry("eos_token_id", null);
    Path generation = model.resolve("generation_config.json");
    assertThat(JSON.std.mapFrom(Files.readString(generation)))
        .containsExactly(Map.entry("_from_model_config", true));
    Files.delete(generation);
    Files.writeString(
        config,
        Files.readString(config)
            .replaceFirst("\"bos_token_id\" : null", "\"bos_token_id\" : 1")
            .replaceFirst("\"eos_token_id\" : null", "\"eos_token_id\" : [2, 3]"));
    Path again = folder.resolve("again");
    CommandLineCall call = CommandLineCall.of("export", model, "--out", again);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(JSON.std.mapFrom(Files.readString(again.resolve("config.json"))))
        .containsEntry("bos_token_id", 1)
        .containsEntry("eos_token_id", List.of(2, 3));
    generation = again.resolve("generation_config.json");
    assertThat(JSON.std.mapFrom(Files.readString(generation)))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("_from_model_config", true, "bos_token_id", 1, "eos_token_id", List.of(2, 3)));
    Files.writeString(generation, "{\"temperature\": 0.7}");
    assertThat(CommandLineCall.of("export", again, "--out", model).code()).isZero();
    assertThat(model.resolve("generation_config.json")).hasSameTextualContentAs(generation);
  }

  @Test
  void endsOfTextsAreTokensOnRequestAndSurviveTraining() throws IOException {
    Path learned = folder.resolve("learned");
    CommandLineCall.of("prepare", TinyRun.text(folder), "--train-bpe=260", "--out", learned);
    Path model = folder.resolve("bpe");
    CommandLineCall trained = TinyRun.train(learned, model, "--max-iters=1", "--block-size=16");
    assertThat(trained.code()).as(trained.err()).isZero();
    Map<String, Object> config =
        JSON.std.mapFrom(Files.readString(RunFolder.checkpoint(model).resolve("config.json")));
    int end = (Integer) config.get("eos_token_id");
    assertThat(config).containsEntry("bos_token_id", end);
    String[] ask = {
      "logits",
      "-m",
      model.toString(),
      "--prompt",
      "a<|endoftext|>",
      "--allow-special=false",
      "--json"
    };
    assertThat(ids(ask).contains(end)).isFalse();
    ask[5] = "--allow-special";
    assertThat(ids(ask)).hasSize(2);
    assertThat(ids(ask).getLast()).isEqualTo(end);
    CommandLineCall sampled =
        CommandLineCall.of("sample", model, "-p", "<|endoftext|>", "--allow-special", "--json");
    assertThat(sampled.code()).as(sampled.err()).isZero();
  }

  private static List<?> ids(String... ask) throws IOException {
    CommandLineCall logits = CommandLineCall.of((Object[]) ask);
    assertThat(logits.code()).as(logits.err()).isZero();
    return (List<?>) JSON.std.mapFrom(logits.out()).get("ids");
  }

  @Test
  void whatGpt2CannotExpressIsNotExported() throws IOException {
    Path biased = folder.resolve("biased");
    TinyRun.train(TinyRun.text(folder), biased, "--max-iters=1");
    Path out = folder.resolve("not exported");
    CommandLineCall call = CommandLineCall.of("export", biased, "--out", out);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .startsWith("jambic: " + biased)
        .contains("cannot be exported: its head has a bias", "--head-bias=false")
        .hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void aNameThatIsNoModelIsOneSentence() {
    CommandLineCall call = CommandLineCall.of("export", "gpt3", "--out", folder.resolve("x"));
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .isEqualTo(
            "jambic: gpt3 does not exist; name the folder of a run or of a checkpoint, or a model of"
                + " the hub: gpt2, distilgpt2 or user/name"
                + System.lineSeparator());
  }
}

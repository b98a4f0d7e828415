package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --init}: runs that begin with a stored model. */
class FineTuneTest {
  @TempDir static Path folder;
  private static Path base;

  @BeforeAll
  static void trainBase() throws IOException {
    base = folder.resolve("base");
    CommandLineCall call =
        TinyRun.train(TinyRun.text(folder), base, "--head-bias=false", "--max-iters=10");
    assertThat(call.code()).as(call.err()).isZero();
  }

  @Test
  void goesOnWithTheModelsWeightsAndTokenizer() throws IOException {
    Path run = folder.resolve("tuned");
    CommandLineCall call = tune(run, "--learning-rate=1e-9", "--dropout=0.1");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).contains("2 layers, 4 heads, 16 wide, context 8");
    assertThat(run.resolve("last/tokenizer.json"))
        .hasSameTextualContentAs(base.resolve("best/tokenizer.json"));
    String[] ids = {"--ids", "3,1,2"};
    assertThat(CommandLineCall.of("logits", "-m", run.resolve("last"), ids[0], ids[1]).out())
        .isEqualTo(CommandLineCall.of("logits", "-m", base, ids[0], ids[1]).out());
  }

  @Test
  void theRecordOfARunBeginsWithItsModelAgain() throws IOException {
    Path run = folder.resolve("recorded");
    CommandLineCall call = tune(run, "--lora-rank=2");
    assertThat(call.code()).as(call.err()).isZero();
    Path again = folder.resolve("again");
    CommandLineCall same =
        CommandLineCall.of("train", "--config", run.resolve("run.json"), "--out", again);
    assertThat(same.code()).as(same.err()).isZero();
    assertThat(again.resolve("last/adapter_model.safetensors"))
        .hasSameBinaryContentAs(run.resolve("last/adapter_model.safetensors"));
  }

  @Test
  void aSmallerBlockSizeCutsTheContext() throws IOException {
    Path run = folder.resolve("cut");
    CommandLineCall call = tune(run, "--block-size=4");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(Files.readString(run.resolve("last/config.json"))).contains("\"n_positions\" : 4");
    CommandLineCall larger = tune(folder.resolve("larger"), "--block-size=9");
    assertThat(larger.code()).isEqualTo(2);
    assertThat(larger.err())
        .startsWith(
            "jambic: --block-size can be at most 8, the context of the model of --init, not 9"
                + System.lineSeparator());
  }

  @Test
  void adaptersAreSmallResumeSampleAndMerge() throws IOException {
    Path run = folder.resolve("lora");
    Object[] flags = {"--lora-rank=2", "--lora-targets=c_attn,c_fc", "--learning-rate=1e-2"};
    CommandLineCall call = tune(run, flags);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(run.resolve("last/adapter_model.safetensors")).isNotEmptyFile();
    assertThat(run.resolve("last/model.safetensors")).doesNotExist();
    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=8");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    List<Object> whole = new ArrayList<>(List.of(flags));
    whole.add("--max-iters=8");
    tune(folder.resolve("whole"), whole.toArray());
    assertThat(run.resolve("last/adapter_model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("whole/last/adapter_model.safetensors"));
    Path merged = folder.resolve("merged");
    assertThat(CommandLineCall.of("export", run, "--out", merged).code()).isZero();
    assertThat(merged.resolve("adapter_config.json")).doesNotExist();
    Object[] prompt = {"--prompt", "The", "--max-new-tokens", "20", "--greedy"};
    assertThat(sample(merged, prompt)).isEqualTo(sample(run, prompt)).isNotEmpty();
  }

  @Test
  @EnabledOnOs(value = OS.LINUX, disabledReason = "the cache's folder is not to be chosen there")
  void adaptersOfAReleasedModelFindItInTheCacheOfAnotherMachine() throws Exception {
    Path here = folder.resolve("here");
    Path released = here.resolve("jambic/hub/openai-community/gpt2");
    assertThat(CommandLineCall.of("export", base, "--out", released).code()).isZero();
    Files.createFile(released.resolve("vocab.json"));
    Files.createFile(released.resolve("merges.txt"));
    Path run = folder.resolve("named");
    List<String> flags = List.of("--max-iters=2", "--eval-iters=1", "--batch-size=2", "--offline");
    List<String> train = new ArrayList<>(List.of("train", "--init=gpt2", "--lora-rank=2"));
    train.addAll(List.of("--data=" + folder.resolve("text.txt"), "--out=" + run));
    train.addAll(flags);
    assertSucceeds(here, train);
    assertThat(Files.readString(run.resolve("last/adapter_config.json")))
        .contains("\"base_model_name_or_path\" : \"gpt2\"");

    Path there = Files.move(here, folder.resolve("there"));
    String moved = Files.move(run, folder.resolve("moved")).toString();
    assertSucceeds(
        there, List.of("train", "--resume", "--out", moved, "--max-iters=3", "--offline"));
    assertSucceeds(there, List.of("sample", moved, "--max-new-tokens=3", "--offline"));
  }

  private static void assertSucceeds(Path cache, List<String> args) throws Exception {
    Path log = Files.createTempFile(folder, "process", ".log");
    ProcessBuilder process = Application.process(args).redirectErrorStream(true);
    process.environment().put("XDG_CACHE_HOME", cache.toString());
    int code = process.redirectOutput(log.toFile()).start().waitFor();
    assertThat(code).as(Files.readString(log)).isZero();
  }

  @Test
  void frozenPartsAreNamedByFlag() {
    CommandLineCall call = tune(folder.resolve("frozen"), "--freeze=h.7");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith("jambic: --freeze names \"h.7\", which is no part of the model")
        .hasLineCount(2);
    CommandLineCall frozen = tune(folder.resolve("frozen"), "--freeze=wte,h.0");
    assertThat(frozen.out()).containsPattern("\\R +3,\\d{3} of 7,\\d{3} parameters train\\R");
  }

  @Test
  void anotherShapeIsOneSentence() {
    CommandLineCall call = tune(folder.resolve("deeper"), "--n-layer=3");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith(
            "jambic: --n-layer is 2 in the model of --init and cannot be 3; leave the flag out"
                + System.lineSeparator());
    CommandLineCall resumed = CommandLineCall.of("train", "--resume", "--out", base, "--n-layer=3");
    assertThat(resumed.code()).isEqualTo(2);
    assertThat(resumed.err()).contains("--n-layer is 2 in its checkpoint, not 3");
    CommandLineCall fresh =
        TinyRun.train(folder.resolve("text.txt"), folder.resolve("fresh"), "--lora-rank=2");
    assertThat(fresh.code()).isEqualTo(2);
    assertThat(fresh.err()).contains("--lora-rank is for a model that is there already");
    assertThat(folder.resolve("fresh")).doesNotExist();
    CommandLineCall wide = tune(folder.resolve("wide"), "--lora-rank=17");
    assertThat(wide.code()).isEqualTo(2);
    assertThat(wide.err()).contains("--lora-rank (17) must not exceed --n-embd (16)");
    CommandLineCall both = CommandLineCall.of("train", "--resume", "--out", base, "--init", base);
    assertThat(both.code()).isEqualTo(2);
    assertThat(both.err()).contains("--resume goes on with the run's own model; leave --init out");
  }

  private static String sample(Path model, Object... flags) {
    List<Object> args = new ArrayList<>(List.of("sample", model));
    args.addAll(List.of(flags));
    return CommandLineCall.of(args.toArray()).out();
  }

  private static CommandLineCall tune(Path out, Object... more) {
    List<Object> args =
        new ArrayList<>(
            List.of("train", "--init", base, "--data", folder.resolve("text.txt"), "--out", out));
    args.addAll(
        TinyRun.over(
            List.of(
                "--gradient-accumulation-steps=1",
                "--max-iters=4",
                "--eval-iters=2",
                "--batch-size=4"),
            more));
    return CommandLineCall.of(args.toArray());
  }
}

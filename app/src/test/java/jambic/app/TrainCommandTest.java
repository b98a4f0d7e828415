package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import jambic.train.run.TensorBoardLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  @TempDir Path folder;
  private Path text;
  private Path run;

  @BeforeEach
  void prepare() throws IOException {
    text = TinyRun.text(folder);
    run = folder.resolve("run");
  }

  @Test
  void aRunLeavesItsModelItsLogItsCurveAndASample() throws IOException {
    CommandLineCall call = TinyRun.train(text, run);
    assertThat(call.code()).as(call.err()).isZero();
    for (String file :
        List.of(
            "run.json",
            "metrics.jsonl",
            "loss.svg",
            "best/model.safetensors",
            "best/tokenizer.json",
            "last/model.safetensors",
            "last/config.json",
            "last/training.json")) {
      assertThat(run.resolve(file)).isNotEmptyFile();
    }
    List<Metrics> log = MetricsLog.read(run.resolve("metrics.jsonl"));
    assertThat(log).filteredOn(Metrics.Step.class::isInstance).hasSize(20);
    assertThat(log).filteredOn(Metrics.Evaluation.class::isInstance).hasSize(3);
    assertThat(call.out())
        .contains("model    ", " parameters: 2 layers, 4 heads, 16 wide, context 8")
        .containsPattern("20/20  train loss \\d.*  val loss \\d")
        .contains("jambic sample " + run, "jambic eval " + run)
        .doesNotContain("\033", "\r");
  }

  @Test
  void theRecordNamesTextBackendAndUtilization() throws IOException {
    TinyRun.train(text, run);
    var record = JSON.std.mapFrom(Files.readString(run.resolve("run.json")));
    assertThat(record).containsEntry("data", text.toString()).containsKeys("backend", "config");
    assertThat((String) record.get("mfu")).contains("(6 N + 12 L C T) = ", " FLOP a token");
  }

  @Test
  void jsonIsOneObjectAtTheEnd() throws IOException {
    CommandLineCall call = TinyRun.train(text, run, "--json");
    assertThat(call.code()).isZero();
    assertThat(call.out().lines()).hasSize(1);
    assertThat(JSON.std.mapFrom(call.out()))
        .containsEntry("run", run.toString())
        .containsEntry("iterations", 20)
        .containsKeys("train_loss", "val_loss", "sample");
  }

  @Test
  void flagsComeFromAFileTooAndTheLastOneCounts() throws IOException {
    Path flags =
        Files.writeString(
            folder.resolve("flags"),
            "# short\n--data=%s\n--preset lecture-small\n--max-iters=30\n--n-layer 1\n"
                .formatted(text));
    CommandLineCall call =
        CommandLineCall.of(
            "train", "@" + flags, "--out", run, "--max-iters=3", "--eval-iters=1", "--n-embd=16");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).contains("3/3", ": 1 layer, ").doesNotContain("3/30");
    assertThat(call.err()).isEmpty();
  }

  @Test
  void whatFollowsAFileOfFlagsOverridesItAndNothingElseIsGivenTwice() throws IOException {
    Path flags = Files.writeString(folder.resolve("flags"), "--seed 1 --warmup-iters=30 --json\n");
    Path more = Files.writeString(folder.resolve("more"), "--warmup-iters 4 --seed=2 --seed=3\n");
    assertTwice("--seed", TinyRun.train(text, run, "--seed=5", "@" + flags));
    assertTwice("--seed", TinyRun.train(text, run, "@" + flags, "@" + more));
    assertTwice("--data", TinyRun.train(text, run, "--data", text));
    assertTwice("--n-layer", TinyRun.train(text, run, "--n-layer=1", "--n-layer=1"));
    assertTwice("--bias", TinyRun.train(text, run, "--bias", "--bias=false"));
    assertTwice("--out", TinyRun.train(text, run, "-o", run));
    Files.writeString(more, "--warmup-iters 4 --seed=2\n");
    CommandLineCall call = TinyRun.train(text, run, "@" + flags, "@" + more, "--seed", 3);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(JSON.std.mapFrom(Files.readString(run.resolve("run.json"))))
        .extractingByKey("config", InstanceOfAssertFactories.MAP)
        .containsEntry("warmupIters", 4)
        .containsEntry("seed", 3);
  }

  private static void assertTwice(String option, CommandLineCall call) {
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith("jambic: " + option + " is given twice; give it once")
        .hasLineCount(2);
  }

  @Test
  void aRecordOfARunStartsAnotherAndFlagsOverrideIt() throws IOException {
    TinyRun.train(text, run, "--seed=4");
    Path record = Files.copy(run.resolve("run.json"), folder.resolve("mine.json"));
    Path same = folder.resolve("same");
    CommandLineCall call = CommandLineCall.of("train", "--config", record, "--out", same);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(same.resolve("last/model.safetensors"))
        .hasSameBinaryContentAs(run.resolve("last/model.safetensors"));
    Path shorter = folder.resolve("shorter");
    CommandLineCall other =
        CommandLineCall.of("train", "--config", record, "--out", shorter, "--max-iters=3");
    assertThat(other.code()).as(other.err()).isZero();
    assertThat(other.out()).contains("3/3").doesNotContain("/20");
    assertThat(Files.readString(shorter.resolve("run.json"))).contains("lecture-small");
  }

  @Test
  void aConfigurationThatIsNotOneIsRefusedByName() throws IOException {
    TinyRun.train(text, run);
    String json = Files.readString(run.resolve("run.json"));
    Path file = folder.resolve("c.json");
    Files.writeString(file, json.replaceFirst("\\{", "{\"speed\": 1,"));
    assertConfigFails(1, file + ": the key 'speed' is not known", "--config", file);
    Files.writeString(file, json.replace("\"nLayer\"", "\"nLayers\""));
    assertConfigFails(1, file + ": config: there is no hyperparameter nLayers", "--config", file);
    Path none = folder.resolve("none.json");
    assertConfigFails(
        1, "cannot read " + none + ": there is no such file or folder", "--config", none);
    assertConfigFails(1, run + " is a folder; name the run.json in it", "--config", run);
    assertConfigFails(
        2,
        "--resume goes on with the run's own configuration; leave --config out",
        "--config",
        file,
        "--resume",
        "--out",
        run);
    assertConfigFails(
        2,
        "--preset and --config exclude each other; give one of them",
        "--config",
        file,
        "--preset=lecture");
  }

  private static void assertConfigFails(int code, String sentence, Object... flags) {
    List<Object> words = new ArrayList<>(List.of("train"));
    words.addAll(List.of(flags));
    CommandLineCall call = CommandLineCall.of(words.toArray());
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(code);
    assertThat(call.code()).isEqualTo(code);
  }

  @Test
  void aFileOfFlagsMayBeginWithAByteOrderMark() throws IOException {
    Path flags =
        Files.writeString(folder.resolve("flags"), "\uFEFF# short\n--warmup-iters 3 --seed '4'\n");
    CommandLineCall call = TinyRun.train(text, run, "@" + flags);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(run.resolve("run.json")).content().containsPattern("\"seed\" : 4\\D");
    Path wide = Files.writeString(folder.resolve("wide"), "--seed=1", StandardCharsets.UTF_16);
    CommandLineCall refused = TinyRun.train(text, run, "@" + wide);
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err())
        .startsWith("jambic: " + wide + " is UTF-16, not UTF-8; convert the file to UTF-8 first");
  }

  @Test
  void aFieldOfJsonLinesIsTheTextOfTheRunAndOfWhatFollowsIt() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String line : Files.readAllLines(text)) {
      lines.append("{\"text\":\"%s\"}\n".formatted(line));
    }
    Path jsonl = Files.writeString(folder.resolve("x.data"), lines);
    CommandLineCall plain = TinyRun.train(jsonl, run);
    assertThat(plain.code()).isEqualTo(1);
    assertThat(plain.err())
        .contains(jsonl + " is JSON Lines", "with --text-field, such as 'text', or");

    CommandLineCall call = TinyRun.train(jsonl, run, "--text-field=text", "--max-iters=10");
    assertThat(call.code()).as(call.err()).isZero();
    Path whole = folder.resolve("whole");
    TinyRun.train(text, whole, "--max-iters=10"); // the same lines as a text
    assertThat(run.resolve("last/model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("last/model.safetensors"));

    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=12");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    String own = CommandLineCall.of("eval", run).out();
    assertThat(own).isNotBlank();
    assertThat(CommandLineCall.of("eval", run, "--data", jsonl, "--text-field=text").out())
        .isEqualTo(own);
    assertThat(CommandLineCall.of("eval", run, "--data", text).out().replace(text.toString(), ""))
        .isEqualTo(own.replace(jsonl.toString(), ""));

    assertThat(TinyRun.train(jsonl, folder.resolve("as-is"), "--text-field=").code()).isZero();
    CommandLineCall named = CommandLineCall.of("train", "--text-field=text");
    assertThat(named.code()).isEqualTo(2);
    assertThat(named.err())
        .startsWith(
            "jambic: --text-field is for a file of JSON Lines, which tinyshakespeare is not; leave it out%n"
                .formatted());
  }

  @Test
  void aFolderWithARunIsNotOverwritten() throws IOException {
    TinyRun.train(text, run);
    byte[] before = Files.readAllBytes(run.resolve("last/model.safetensors"));
    CommandLineCall again = TinyRun.train(text, run, "--seed=7");
    assertThat(again.code()).isEqualTo(1);
    assertThat(again.err())
        .isEqualTo(
            "jambic: %s holds a run already; resume it with --resume, or name another folder%n"
                .formatted(run));
    assertThat(run.resolve("last/model.safetensors")).hasBinaryContent(before);
    assertThat(TinyRun.train(text, run, "--init", folder.resolve("none")).err())
        .as("before its model is looked for")
        .isEqualTo(again.err());
  }

  @Test
  void aFinishedRunGoesOnForMoreIterationsAsIfItHadNeverStopped() throws IOException {
    Path whole = folder.resolve("whole");
    TinyRun.train(text, run, "--max-iters=10");
    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=20");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    TinyRun.train(text, whole);
    assertThat(run.resolve("last/model.safetensors"))
        .hasSameBinaryContentAs(whole.resolve("last/model.safetensors"));
  }

  @Test
  void tensorBoardsEventsGoOnWithAResumedRun() throws IOException {
    TinyRun.train(text, run, "--max-iters=10");
    assertThat(run.resolve(TensorBoardLog.FILE_NAME)).doesNotExist();
    Path watched = folder.resolve("watched");
    CommandLineCall call = TinyRun.train(text, watched, "--tensorboard", "--max-iters=10");
    assertThat(call.code()).as(call.err()).isZero();
    Path events = watched.resolve(TensorBoardLog.FILE_NAME);
    long stopped = Files.size(events);
    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", watched, "--max-iters=20");
    assertThat(resumed.code()).as(resumed.err()).isZero();
    String text = Files.readString(events, StandardCharsets.ISO_8859_1);
    assertThat(text.split("loss/train\\u0015", -1)).hasSize(1 + 20);
    assertThat(text.split("loss/val", -1)).hasSize(1 + 3);
    assertThat(Files.size(events)).isGreaterThan(stopped);
  }

  @Test
  void onlyARunCanBeResumedAndOnlyOnItsText() throws IOException {
    CommandLineCall nothing = CommandLineCall.of("train", "--resume", "--out", run);
    assertThat(nothing.code()).isEqualTo(1);
    assertThat(nothing.err()).startsWith("jambic: " + run + " holds no run to resume");
    TinyRun.train(text, run);
    Path other = Files.writeString(folder.resolve("other.txt"), "The lazy dog. ".repeat(40));
    CommandLineCall wrong = CommandLineCall.of("train", "--resume", "--out", run, "--data", other);
    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.err()).contains("was trained on other data").hasLineCount(1);
    CommandLineCall larger = CommandLineCall.of("train", "--resume", "--out", run, "--n-layer=3");
    assertThat(larger.code()).isEqualTo(2);
    assertThat(larger.err()).contains("a resumed run keeps its model").hasLineCount(2);
  }

  @Test
  void aRecordThatIsDamagedOrSilentIsToldAndTheTextCanBeNamed() throws IOException {
    TinyRun.train(text, run);
    Path record = run.resolve("run.json");
    for (String damage : List.of("", "null", "[1]", "{")) {
      Files.writeString(record, damage);
      CommandLineCall call = CommandLineCall.of("train", "--resume", "--out", run);
      assertThat(call.code()).isEqualTo(1);
      assertThat(call.err())
          .startsWith("jambic: " + record + " is damaged; delete it, and name the text with --data")
          .hasLineCount(1);
    }
    Files.delete(record);
    CommandLineCall silent = CommandLineCall.of("train", "--resume", "--out", run);
    assertThat(silent.code()).isEqualTo(1);
    assertThat(silent.err())
        .startsWith(
            "jambic: " + run + " does not say which text it was trained on; name it with --data");
    CommandLineCall named = CommandLineCall.of("train", "--resume", "--out", run, "--data", text);
    assertThat(named.code()).as(named.err()).isZero();
  }

  @Test
  void aRecordOfSomethingElseIsNotOverwritten() throws IOException {
    Path own = Files.createDirectories(run).resolve("run.json");
    Files.writeString(own, "{\"mine\": 1}");
    CommandLineCall call = TinyRun.train(text, run);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).startsWith("jambic: " + run + " holds a run.json that is not of a run");
    assertThat(own).hasContent("{\"mine\": 1}");
  }

  @Test
  void whatIsOfSomethingElseIsNotOverwritten() throws IOException {
    for (String name : List.of("metrics.jsonl", "loss.svg", "loss.png")) {
      Path own = Files.createDirectories(folder.resolve("own " + name)).resolve(name);
      Files.writeString(own, "mine");
      CommandLineCall call = TinyRun.train(text, own.getParent());
      assertThat(call.code()).isEqualTo(1);
      assertThat(call.err())
          .startsWith(
              "jambic: %s holds a %s that is not of a run; name another folder with --out"
                  .formatted(own.getParent(), name));
      assertThat(own).hasContent("mine");
      assertThat(own.getParent().resolve("run.json")).doesNotExist();
    }
  }

  @Test
  void commandsToGoOnWithAreQuoted() {
    Path spaced = folder.resolve("sp ace");
    assertThat(TinyRun.train(text, spaced).out())
        .contains("jambic sample '" + spaced + "'", "jambic eval '" + spaced + "'");
  }

  @Test
  void anotherBackendIsNoticedWhenARunGoesOn() {
    TinyRun.train(text, run, "--max-iters=10");
    CommandLineCall same =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=12", "--backend=cpu");
    assertThat(same.code()).as(same.err()).isZero();
    assertThat(same.out()).doesNotContain("the run goes on with");
    CommandLineCall other =
        CommandLineCall.of(
            "train", "--resume", "--out", run, "--max-iters=14", "--backend=reference");
    assertThat(other.code()).as(other.err()).isZero();
    assertThat(other.out())
        .contains(
            "the run goes on with backend reference (was cpu), so it will not be the one it would"
                + " have been");
  }

  @Test
  void theTypeStaysInTheRecordOfARunThatGoesOn() throws IOException {
    TinyRun.train(text, run, "--max-iters=2", "--backend=cpu", "--dtype=fp32");
    CommandLineCall same =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=4", "--backend=cpu");
    assertThat(same.code()).as(same.err()).isZero();
    assertThat(JSON.std.mapFrom(Files.readString(run.resolve("run.json"))))
        .containsEntry("dtype", "fp32");
  }

  @Test
  void anEmptyNameIsToldApartFromAPath() {
    for (String option : List.of("--out", "--data")) {
      CommandLineCall call = CommandLineCall.of("train", option, "");
      assertThat(call.code()).isEqualTo(2);
      assertThat(call.err()).startsWith("jambic: " + option + " is empty; give it a name");
    }
  }

  @Test
  void whatCannotBeTrainedOnIsOneSentence() throws IOException {
    Path missing = folder.resolve("missing.txt");
    assertFails(missing, "there is no file " + missing + " to train on");
    Path empty = Files.createFile(folder.resolve("empty.txt"));
    assertFails(empty, empty + " is empty");
    assertFails(folder, folder + " is a folder");
    Path short_ = Files.writeString(folder.resolve("short.txt"), "short");
    assertFails(short_, short_ + " has 5 tokens, but a context of 8 needs at least 81");
    byte[] latin1 = "Stra\u00dfe ".repeat(30).getBytes(StandardCharsets.ISO_8859_1);
    Path malformed = Files.write(folder.resolve("latin1.txt"), latin1);
    assertFails(malformed, malformed + " is not UTF-8: malformed byte 0xdf at offset 4");
  }

  private void assertFails(Path data, String sentence) {
    CommandLineCall call = TinyRun.train(data, run);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(1);
    assertThat(run).doesNotExist();
  }

  @Test
  void aRunThatDoesNotBeginLeavesNothingWhereItWasStarted() throws Exception {
    Path started = Files.createDirectory(folder.resolve("started"));
    List<String> args =
        List.of("train", "--lora-rank=4", "--data=" + text, "--preset=lecture-small");
    Path log = folder.resolve("log");
    Process process =
        Application.process(args)
            .directory(started.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor()).isEqualTo(2);
    assertThat(log).content().contains("--lora-rank is for a model that is there already");
    assertThat(started).isEmptyDirectory();
    Path deep = folder.resolve("deep/run");
    assertThat(TinyRun.train(text, deep, "--freeze=nothing").code()).isEqualTo(2);
    assertThat(folder.resolve("deep")).doesNotExist();
  }

  @Test
  void aModelThatFitsNoHeapIsRefusedBeforeItIsMade() {
    CommandLineCall call = TinyRun.train(text, run, "--n-embd=200000", "--n-layer=100");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .containsPattern("the model alone would need \\d+ TiB .* lower --n-layer or --n-embd")
        .hasLineCount(1);
    assertThat(run).doesNotExist();
  }

  @Test
  void aFolderThatCannotBeWrittenIsOneSentence() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    CommandLineCall call = TinyRun.train(text, file.resolve("run"));
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .contains("jambic: cannot write to " + file.resolve("run"))
        .contains("name another folder")
        .hasLineCount(1);
  }

  @Test
  void aLongRunSaysOnceHowLongItWillTake() throws Exception {
    Path err = folder.resolve("err");
    List<String> args = new ArrayList<>(List.of("train", "--data=" + text, "--out=" + run));
    TinyRun.flags("--max-iters=2000000000", "--eval-interval=2000000000")
        .forEach(flag -> args.add(flag.toString()));
    Process process =
        Application.process(args)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(err.toFile())
            .start();
    try {
      for (int i = 0; i < 600 && !Files.readString(err).contains("quicker"); i++) {
        Thread.sleep(100);
      }
      Thread.sleep(500); // not a second time
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(Files.readAllLines(err))
        .filteredOn(line -> line.startsWith("jambic: "))
        .singleElement()
        .asString()
        .startsWith("jambic: this run will take about ")
        .endsWith(" days more here; quicker: fewer --max-iters, or an NVIDIA GPU (--backend cuda)");
  }

  @Test
  void aBackendThatIsNotThereIsNamedWithThoseThatAre() {
    CommandLineCall call = TinyRun.train(text, run, "--backend=gpu");
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).contains("there is no backend gpu; choose auto or ", "reference");
    CommandLineCall none = TinyRun.train(text, run, "--threads=0");
    assertThat(none.code()).isEqualTo(2);
    assertThat(none.err()).contains("--threads must be from 1 to 1024, not 0");
  }

  @Test
  void theSlowBackendIsSaidAloud() {
    CommandLineCall call = TinyRun.train(text, run, "--backend=reference", "--max-iters=1");
    assertThat(call.code()).isZero();
    assertThat(call.err())
        .isEqualTo(
            "jambic: computing on the reference backend, which is slow: plain loops to check the"
                + " others by, as was asked for\n");
    CommandLineCall resumed =
        CommandLineCall.of("train", "--resume", "--out", run, "--max-iters", 2);
    assertThat(resumed.err()).endsWith("as the run did before; --backend chooses another\n");
    assertThat(resumed.out()).doesNotContain("not cpu");
  }
}

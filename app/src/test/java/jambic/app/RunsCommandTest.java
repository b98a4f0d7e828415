package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunsCommandTest {
  @TempDir Path folder;

  @Test
  void runsAreListedWithWhatTheyReached() throws IOException {
    Path runs = folder.resolve("runs");
    train(runs.resolve("done"), 3);
    train(runs.resolve("open"), 3);
    Path training = runs.resolve("open/last/training.json");
    Files.writeString(
        training, Files.readString(training).replaceFirst("\"maxIters\" : 3", "\"maxIters\" : 9"));
    train(runs.resolve("torn"), 3);
    Files.writeString(runs.resolve("torn/last/training.json"), "{");
    Files.createDirectories(runs.resolve("no-run"));
    Files.writeString(Files.createDirectories(runs.resolve("early")).resolve("run.json"), "{}");

    CommandLineCall call = CommandLineCall.of("runs", runs);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out().lines())
        .hasSize(3)
        .satisfiesOnlyOnce(
            line -> assertThat(line).contains("done", "finished", "3 of 3").contains("input.txt"))
        .satisfiesOnlyOnce(line -> assertThat(line).contains("open", "stopped", "3 of 9"));
    assertThat(call.err()).contains("torn", "early").hasLineCount(2);

    CommandLineCall one = CommandLineCall.of("runs", runs.resolve("done"), "--json");
    Map<String, Object> told = JSON.std.mapFrom(one.out());
    assertThat(told)
        .containsEntry("state", "finished")
        .containsEntry("iteration", 3)
        .containsKeys("best_val_loss", "seconds", "parameters", "data");
  }

  @Test
  void aFolderWithoutRunsSaysHowToMakeOne() {
    CommandLineCall call = CommandLineCall.of("runs", folder);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("holds no runs; jambic train makes one").hasLineCount(1);
    CommandLineCall missing = CommandLineCall.of("runs", folder.resolve("missing"));
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("missing does not exist").hasLineCount(1);
  }

  @Test
  void aModelIsDescribedWithoutItsWeights() throws IOException {
    Path run = folder.resolve("run");
    train(run, 3);
    CommandLineCall call = CommandLineCall.of("info", run);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out())
        .containsPattern("folder +" + run.resolve("best"))
        .containsPattern("context +8")
        .containsPattern("tokenizer +char, \\d+ tokens")
        .containsPattern("trained on +.*input.txt");
    Map<String, Object> told = JSON.std.mapFrom(CommandLineCall.of("info", run, "--json").out());
    assertThat(told).containsEntry("layers", 1).containsEntry("context", 8);
    CommandLineCall missing = CommandLineCall.of("info", folder.resolve("missing"));
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err()).contains("does not exist").hasLineCount(1);
  }

  private void train(Path run, int iterations) throws IOException {
    Path text = folder.resolve("input.txt");
    Files.writeString(text, "to be or not to be, that is the question. ".repeat(20));
    CommandLineCall call =
        CommandLineCall.of(
            "train",
            "--data=" + text,
            "--out=" + run,
            "--backend=cpu",
            "--n-layer=1",
            "--n-head=2",
            "--n-embd=8",
            "--block-size=8",
            "--batch-size=2",
            "--max-iters=" + iterations,
            "--eval-interval=" + iterations,
            "--eval-iters=1");
    assertThat(call.code()).as(call.err()).isZero();
  }
}

package jambic.app.watch;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.CommandLineCall;
import jambic.app.TinyRun;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the list of runs, on the terminal and in the browser, makes of files that are damaged. */
class DamagedRunTest {
  @TempDir private Path folder;

  private Path runs;
  private Path run;

  @BeforeEach
  void train() throws IOException {
    runs = Files.createDirectories(folder.resolve("runs"));
    run = runs.resolve("one");
    Path text = folder.resolve("input.txt");
    Files.writeString(text, "to be or not to be, that is the question. ".repeat(20));
    TinyRun.train(text, run);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "null", "[1]", "\0\1", "{\"config\":", "\u00ff\u00fe"})
  void aDamagedRecordHasNothingToCompareAndIsToBeRestored(String damage) throws IOException {
    Files.write(run.resolve("run.json"), damage.getBytes(StandardCharsets.ISO_8859_1));
    Map<String, Object> facts = facts();
    assertThat(facts).containsEntry("state", "damaged").doesNotContainKeys("settings", "notice");
    assertThat(facts.get("problem").toString())
        .isEqualTo(run.resolve("run.json") + " is damaged; restore it, or delete it");
    assertThat(facts.get("metrics").toString()).contains("loss");
    assertToldByRuns(facts.get("problem").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "null", "{}", "{\"iteration\":3,\"data\":\"\",\"config\":{}}"})
  void aDamagedCheckpointHasNothingToCompare(String damage) throws IOException {
    Files.writeString(run.resolve("last/training.json"), damage);
    Map<String, Object> facts = facts();
    assertThat(facts).containsEntry("state", "damaged").doesNotContainKey("settings");
    assertToldByRuns(facts.get("problem").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "[]", "\0\0", "{\"loss\":1}", "{\"iter\":-1}", "{\"iter\":1e99}"})
  void linesThatAreNotOfALogAreCountedAndTheOthersShown(String damage) throws IOException {
    Path log = run.resolve("metrics.jsonl");
    long whole = Files.lines(log).count();
    Files.writeString(log, damage + "\n" + damage + "\n" + Files.readString(log) + "{\"iter\":9,");
    Map<String, Object> facts = facts();
    assertThat(facts).containsEntry("state", "finished").containsKey("settings");
    assertThat(facts.get("notice").toString())
        .isEqualTo(log + " has 2 damaged lines, which the curves leave out");
    assertThat(whole).isGreaterThan(2);
    assertToldByRuns(facts.get("notice").toString());
  }

  @Test
  void anUnfinishedLastLineIsNoDamage() throws IOException {
    Path log = run.resolve("metrics.jsonl");
    Files.writeString(log, Files.readString(log) + "{\"iter\":9,\"lo");
    assertThat(facts()).containsEntry("state", "finished").doesNotContainKey("notice");
  }

  @Test
  void anEmptyOrMissingLogIsToldAlikeInTheListAndOnThePage() throws IOException {
    Files.writeString(run.resolve("metrics.jsonl"), "");
    Map<String, Object> empty = facts();
    assertThat(empty).containsEntry("iteration", 20).doesNotContainKey("seconds");
    CommandLineCall call = CommandLineCall.of("runs", runs, "--json");
    assertThat(call.out())
        .contains("\"best_val_loss\":" + empty.get("best_val_loss"))
        .doesNotContain("seconds");
    Files.delete(run.resolve("metrics.jsonl"));
    assertThat(facts()).isEqualTo(empty);
    assertThat(CommandLineCall.of("runs", runs, "--json").out()).isEqualTo(call.out());
  }

  @Test
  void aFolderInPlaceOfAFileIsASentence() throws IOException {
    Files.delete(run.resolve("metrics.jsonl"));
    Files.createDirectory(run.resolve("metrics.jsonl"));
    Map<String, Object> facts = facts();
    assertThat(facts).containsEntry("state", "damaged");
    assertToldByRuns(facts.get("problem").toString());
    Files.delete(run.resolve("run.json"));
    Files.createDirectory(run.resolve("run.json"));
    assertThat(facts().get("state")).isEqualTo("damaged");
  }

  @Test
  void samplesThatAreDamagedAreLeftOut() throws IOException {
    Path samples = run.resolve("samples.jsonl");
    Files.write(
        samples,
        "null\n[]\n\u00ff\n{\"iter\":\"x\"}\n{\"iter\":3,\"answer\":\"a\"}\n{\"iter\":3,\"ans"
            .getBytes(StandardCharsets.ISO_8859_1));
    assertThat(watched().samples()).isEqualTo(List.of(Map.of("iter", 3, "answer", "a")));
    Files.writeString(samples, "");
    assertThat(watched().samples()).isEmpty();
  }

  @Test
  void aResumedRunKeepsItsSamplesAndSetsDamagedOnesAside() throws IOException {
    Path samples = run.resolve("samples.jsonl");
    String kept = "{\"iter\":0,\"prompt\":\"\",\"answer\":\"\u00e4\"}\n";
    Files.writeString(samples, kept + "null\n" + "{\"iter\":20,\"answer\":\"again\"}\n{\"it");
    CommandLineCall call = CommandLineCall.of("train", "--resume", "--out", run, "--max-iters=30");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).contains("samples.jsonl had 1 damaged line; the run goes on");
    assertThat(Files.readString(samples))
        .startsWith(kept)
        .doesNotContain("again", "null")
        .contains("{\"iter\":20,", "{\"iter\":30,");
    assertThat(run.resolve("samples.jsonl.damaged-1")).content().contains("null", "again");
  }

  @Test
  void aRunIsRenamedDeletedAndComesBackWhileItIsWatched() throws IOException {
    WatchedRuns watched = new WatchedRuns(runs);
    assertThat(names(watched)).containsExactly("one");
    Files.move(run, runs.resolve("two"));
    assertThat(names(watched)).containsExactly("two");
    assertThat(watched.named("one")).isEmpty();
    Files.move(runs.resolve("two"), folder.resolve("away"));
    assertThat(names(watched)).isEmpty();
    Files.move(folder.resolve("away"), runs.resolve("one"));
    assertThat(watched.named("one").orElseThrow().facts()).containsEntry("state", "finished");
    Files.move(runs, folder.resolve("gone"));
    assertThat(names(watched)).isEmpty();
  }

  @Test
  void aLanguageModelWritesASampleAtEachEvaluation() throws IOException {
    assertThat(Files.readAllLines(run.resolve("samples.jsonl")))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("{\"iter\":0,\"prompt\":\"\",\"answer\":\""),
            line -> assertThat(line).startsWith("{\"iter\":10,"),
            line -> assertThat(line).startsWith("{\"iter\":20,"));
    List<Map<String, Object>> newest = watched().samples();
    assertThat(newest).hasSize(1);
    assertThat(newest.getFirst()).containsEntry("iter", 20).containsEntry("prompt", "");
    assertThat(newest.getFirst().get("answer").toString()).hasSizeGreaterThan(100);
  }

  private static List<String> names(WatchedRuns watched) {
    return watched.all().stream().map(WatchedRun::name).toList();
  }

  private WatchedRun watched() {
    return new WatchedRuns(runs).named("one").orElseThrow();
  }

  private Map<String, Object> facts() {
    return watched().facts();
  }

  private void assertToldByRuns(String sentence) {
    CommandLineCall call = CommandLineCall.of("runs", runs);
    assertThat(call.code()).isZero();
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(1);
  }
}

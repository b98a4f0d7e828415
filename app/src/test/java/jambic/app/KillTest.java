package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.model.io.AtomicFolder;
import jambic.train.run.Metrics;
import jambic.train.run.MetricsLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kills the real application at random moments ({@code -Djambic.kills=20} for twenty, {@code
 * -Djambic.kill.seed} for others) and resumes it each time: the end is the same as if nothing had
 * happened, to the bit.
 */
class KillTest {
  private static final int KILLS = Integer.getInteger("jambic.kills", 3);
  private static final long SEED = Long.getLong("jambic.kill.seed", 1);

  /** It saves every few milliseconds, so that kills meet it while it writes. */
  private static final List<String> FLAGS =
      List.of(
          "--preset=lecture-small",
          "--n-layer=1",
          "--n-embd=8",
          "--batch-size=2",
          "--gradient-accumulation-steps=2",
          "--dropout=0.1",
          "--eval-interval=10",
          "--eval-iters=1",
          "--backend=reference",
          "--max-iters=" + (500 + 150 * KILLS));

  private static final List<String> OF_TRANSLATOR =
      List.of(
          "--preset=translate-small",
          "--encoder-layers=1",
          "--decoder-layers=1",
          "--heads=2",
          "--width=8",
          "--inner=8",
          "--max-length=16",
          "--batch-tokens=16",
          "--vocab-size=300",
          "--eval-interval=10",
          "--eval-iters=1",
          "--average=3",
          "--backend=reference",
          "--max-iters=" + (200 + 60 * KILLS));

  private static final List<String> OF_STAGE =
      List.of(
          "--batch-size=2",
          "--learning-rate=1e-2",
          "--eval-interval=5",
          "--eval-iters=1",
          "--backend=reference",
          "--max-iters=" + (100 + 40 * KILLS));

  @TempDir private Path folder;

  @Test
  void aRunThatIsKilledAndResumedEndsWithTheSameBits() throws Exception {
    requireSameBits(new Command("train", TinyRun.text(folder), FLAGS), KillTest::awaitAnyTime);
  }

  @Test
  void aTranslatorThatIsKilledAndResumedEndsWithTheSameBits() throws Exception {
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      pairs.add("un " + i + "\tone " + i);
    }
    Path file = Files.write(folder.resolve("pairs.tsv"), pairs);
    requireSameBits(new Command("train", file, OF_TRANSLATOR), KillTest::awaitAnyTime);
    assertThat(folder.resolve("killed/averaged/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("whole/averaged/model.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"sft", "ppo"})
  void aStageThatIsKilledWhileItSavesAndResumedEndsWithTheSameBits(String stage) throws Exception {
    Path pre = TinyRun.trained(folder);
    List<String> rows = new ArrayList<>();
    for (String word : List.of("the", "fox", "dog", "jumps", "quick", "brown")) {
      rows.add(
          "{\"prompt\":\"%s\",\"%s\":\"%s\"}"
              .formatted(
                  word.substring(0, 2),
                  stage.equals("sft") ? "completion" : "answer",
                  word.substring(2)));
    }
    List<String> flags = new ArrayList<>(OF_STAGE);
    if (stage.equals("sft")) {
      flags.addAll(List.of("--init=" + pre, "--add-special-tokens=<|endoftext|>"));
    } else {
      flags.addAll(
          List.of("--init=" + fineTuned(pre, rows), "--reward=graded", "--response-length=4"));
    }
    Path file = Files.write(folder.resolve("rows.jsonl"), rows);
    requireSameBits(new Command(stage, file, flags), KillTest::awaitSaving);
  }

  /** A policy that has a token to end with. */
  private Path fineTuned(Path pre, List<String> rows) throws IOException {
    Path file = folder.resolve("sft.jsonl");
    Files.write(file, rows.stream().map(row -> row.replace("answer", "completion")).toList());
    Path sft = folder.resolve("sft");
    CommandLineCall call =
        CommandLineCall.of(
            "sft",
            "--init=" + pre,
            "--data=" + file,
            "--out=" + sft,
            "--add-special-tokens=<|endoftext|>",
            "--max-iters=1",
            "--backend=reference");
    assertThat(call.code()).as(call.err()).isZero();
    return sft;
  }

  /** What is begun: a command, what it learns from, and how. */
  private record Command(String name, Path data, List<String> flags) {}

  /** Waits until there is something to kill in a run's folder. */
  private interface Moment {
    void await(Process process, Path run, Random random) throws Exception;
  }

  private void requireSameBits(Command command, Moment moment) throws Exception {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    finish(start("begun", command, whole));

    Random random = new Random(SEED);
    Process process = start("begun", command, killed);
    int met = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      moment.await(process, killed, random);
      met += process.isAlive() ? 1 : 0;
      process.destroyForcibly().waitFor();
      process = start("resumed", command, killed);
    }
    finish(process);

    assertThat(met).as("kills that met a living process").isPositive();
    for (String file : List.of("last/model.safetensors", "last/optimizer.safetensors")) {
      assertThat(killed.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
    }
    assertThat(losses(killed)).isEqualTo(losses(whole));
    assertThat(names(killed)).as("no leftovers").isEqualTo(names(whole));
  }

  private static List<String> names(Path run) throws IOException {
    try (var files = Files.list(run)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private Process start(String how, Command command, Path run) throws IOException {
    List<String> args = new ArrayList<>(List.of(command.name(), "--out", run.toString()));
    if (AtomicFolder.exists(run.resolve("last"))) {
      args.add("--resume");
    } else { // killed before its first checkpoint, or not begun yet
      args.addAll(List.of("--data", command.data().toString()));
      args.addAll(command.flags());
    }
    return Application.start(folder.resolve(how + ".log"), args);
  }

  /** A process that has just been started needs its time before there is something to kill. */
  private static void awaitSteps(Process process, Path run) throws Exception {
    Path log = run.resolve("metrics.jsonl");
    long before = Files.exists(log) ? Files.size(log) : 0;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (process.isAlive()
        && (!Files.exists(log) || Files.size(log) <= before)
        && System.nanoTime() < deadline) {
      Thread.sleep(2);
    }
  }

  private static void awaitAnyTime(Process process, Path run, Random random) throws Exception {
    awaitSteps(process, run);
    Thread.sleep(random.nextInt(150));
  }

  /** A checkpoint that is being written lies beside the last one, which a crash must leave. */
  private static void awaitSaving(Process process, Path run, Random random) throws Exception {
    awaitSteps(process, run);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (process.isAlive() && !isSaving(run) && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    Thread.sleep(random.nextInt(5)); // some files are written, or all but the names
  }

  private static boolean isSaving(Path run) throws IOException {
    try (var files = Files.list(run)) {
      return files.anyMatch(file -> file.getFileName().toString().startsWith(".last."));
    }
  }

  private void finish(Process process) throws Exception {
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("it ends").isTrue();
    String output = "";
    for (String log : List.of("begun.log", "resumed.log")) {
      Path file = folder.resolve(log);
      output += Files.exists(file) ? Files.readString(file) : "";
    }
    assertThat(process.exitValue()).as(output).isZero();
  }

  private static List<Double> losses(Path run) {
    List<Double> losses = new ArrayList<>();
    for (Metrics metrics : MetricsLog.read(run.resolve("metrics.jsonl"))) {
      switch (metrics) {
        case Metrics.Step step -> {
          losses.add(step.loss());
          losses.add(step.gradNorm());
        }
        case Metrics.Evaluation evaluation -> losses.add(evaluation.valLoss());
      }
    }
    return losses;
  }
}

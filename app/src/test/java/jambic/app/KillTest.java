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

  @TempDir private Path folder;

  @Test
  void aRunThatIsKilledAndResumedEndsWithTheSameBits() throws Exception {
    requireSameBits(TinyRun.text(folder), FLAGS);
  }

  @Test
  void aTranslatorThatIsKilledAndResumedEndsWithTheSameBits() throws Exception {
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      pairs.add("un " + i + "\tone " + i);
    }
    requireSameBits(Files.write(folder.resolve("pairs.tsv"), pairs), OF_TRANSLATOR);
    assertThat(folder.resolve("killed/averaged/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("whole/averaged/model.safetensors"));
  }

  private void requireSameBits(Path text, List<String> flags) throws Exception {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    finish(start("begun", flags, text, whole));

    Random random = new Random(SEED);
    Process process = start("begun", flags, text, killed);
    int met = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      awaitSteps(process, killed);
      Thread.sleep(random.nextInt(150));
      met += process.isAlive() ? 1 : 0;
      process.destroyForcibly().waitFor();
      process = start("resumed", flags, text, killed);
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

  private Process start(String how, List<String> flags, Path text, Path run) throws IOException {
    List<String> args = new ArrayList<>(List.of("train", "--out", run.toString()));
    if (AtomicFolder.exists(run.resolve("last"))) {
      args.add("--resume");
    } else { // killed before its first checkpoint, or not begun yet
      args.addAll(List.of("--data", text.toString()));
      args.addAll(flags);
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

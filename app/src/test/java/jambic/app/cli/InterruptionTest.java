package jambic.app.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import jambic.app.Application;
import jambic.app.CommandLineCall;
import jambic.app.TinyRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C, as a shell sends it, and the polite kill of a scheduler. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there are no signals to send")
class InterruptionTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void anInterruptedRunEndsItsIterationSavesAndSaysHowToGoOn(String signal, int code)
      throws Exception {
    assumeThat(isHeeded(signal))
        .as("this shell lets its processes ignore SIG%s, as it does behind an &", signal)
        .isTrue();
    Path run = folder.resolve("run");
    Path log = folder.resolve("log");
    Process process =
        Application.start(
            log, args(TinyRun.text(folder), run, "--max-iters=1000000", "--eval-interval=1000000"));
    await(process, run.resolve("metrics.jsonl"));
    kill(process, signal);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isEqualTo(code);
    assertThat(said).contains("stopping after this step");
    assertThat(said)
        .containsPattern(
            "stopped and saved after [\\d,]+ of 1,000,000 iterations; go on with: jambic train"
                + " --resume --out "
                + run);
    assertThat(run.resolve("last").resolve("optimizer.safetensors")).isNotEmptyFile();
    assertThat(CommandLineCall.of("sample", run, "--max-new-tokens=5").code()).isZero();
  }

  @Test
  void theSampleAtTheEndOfARunIsCutShort() throws Exception {
    assumeThat(isHeeded("TERM")).isTrue();
    Path run = folder.resolve("run");
    Path log = folder.resolve("log");
    List<String> args =
        args(
            TinyRun.text(folder),
            run,
            "--n-embd=256",
            "--n-layer=4",
            "--max-iters=1",
            "--eval-iters=1",
            "--eval-interval=1000000");
    Process process = Application.start(log, args);
    await(process, run.resolve("loss.png")); // the last thing before the sample
    kill(process, "TERM");
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(log);
    assertThat(process.exitValue()).as(said).isEqualTo(143);
    assertThat(said).contains("next     jambic sample " + run);
    String sample = said.substring(said.indexOf("1/1"), said.indexOf("curve"));
    assertThat(sample.length()).as(said).isLessThan(300);
  }

  private static List<String> args(Path text, Path run, Object... more) {
    List<String> args = new ArrayList<>(List.of("train", "--data", text.toString()));
    args.addAll(List.of("--out", run.toString(), "--backend=reference"));
    TinyRun.flags(more).forEach(flag -> args.add(flag.toString()));
    return args;
  }

  private static void await(Process process, Path log) throws Exception {
    for (int i = 0; i < 6000 && process.isAlive(); i++) {
      if (Files.exists(log) && Files.size(log) > 1000) {
        return;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("it never got going");
  }

  private static void kill(Process process, String signal) throws Exception {
    var kill = new ProcessBuilder("kill", "-" + signal, "" + process.pid());
    assertThat(kill.start().waitFor()).isZero();
  }

  /** Whether a process started from here dies of a signal that it does nothing about. */
  private static boolean isHeeded(String signal) throws Exception {
    return new ProcessBuilder("sh", "-c", "kill -%s $$".formatted(signal)).start().waitFor() != 0;
  }
}

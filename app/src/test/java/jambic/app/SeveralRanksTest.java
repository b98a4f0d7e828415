package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real application under a real launcher; skipped aloud where there is none. */
class SeveralRanksTest {
  private static final String MPIRUN = System.getProperty("jambic.test.mpirun", "mpirun");

  private static final List<String> FLAGS =
      List.of(
          "--preset=lecture-small",
          "--n-layer=1",
          "--n-embd=8",
          "--batch-size=2",
          "--dropout=0.1",
          "--eval-interval=5",
          "--eval-iters=3",
          "--backend=reference",
          "--threads=1",
          "--max-iters=10");

  @TempDir private Path folder;

  @Test
  void twoRanksHaveTheBitsOfOneAndPrintOnce() throws Exception {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    assertThat(run(List.of(), 4, one).code).isZero();
    Ended shared = run(launcher(2), 4, two);
    assertThat(shared.code).as(shared.output).isZero();
    for (String file : List.of("model.safetensors", "optimizer.safetensors", "training.json")) {
      assertThat(two.resolve("last").resolve(file))
          .hasSameBinaryContentAs(one.resolve("last").resolve(file));
    }
    assertThat(shared.output.lines().filter(line -> line.startsWith("10/10  loss"))).hasSize(1);
  }

  @Test
  void ranksThatCannotShareTheMicroBatchesEndWithOneSentence() throws Exception {
    Path refused = folder.resolve("refused");
    Ended ended = run(launcher(2), 3, refused);
    assertThat(ended.code).isNotZero();
    assertThat(
            ended
                .output
                .lines()
                .filter(line -> line.startsWith("jambic: ") && line.contains("ranks")))
        .singleElement()
        .asString()
        .contains("3 micro batches", "2 ranks", "at most 1", "--gradient-accumulation-steps");
    assertThat(refused).doesNotExist();
  }

  @Test
  void aMistakeOnTheCommandLineIsSaidOnce() throws Exception {
    Ended ended = run(launcher(2), -1, folder.resolve("mistake"));
    assertThat(ended.code).isNotZero();
    assertThat(
            ended
                .output
                .lines()
                .filter(line -> line.startsWith("jambic: ") && !line.startsWith("jambic: rank 1")))
        .singleElement()
        .asString()
        .contains("--gradient-accumulation-steps");
    assertThat(folder.resolve("mistake")).doesNotExist();
  }

  private record Ended(int code, String output) {}

  private Ended run(List<String> launcher, int micros, Path out) throws Exception {
    List<String> command = new ArrayList<>(launcher);
    List<String> args = new ArrayList<>(List.of("train"));
    args.addAll(FLAGS);
    args.add("--gradient-accumulation-steps=" + micros);
    args.addAll(List.of("--data", TinyRun.text(folder).toString(), "--out", out.toString()));
    command.addAll(application(args));
    Path log = folder.resolve("log-" + micros + "-" + launcher.size());
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT", "1"); // as continuous integration does
    builder.environment().put("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    Process process = builder.start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    return new Ended(process.exitValue(), Files.readString(log));
  }

  private static List<String> application(List<String> args) {
    if (System.getProperty("jdk.module.path") != null) {
      return Application.process(args).command();
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"));
    command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "jambic.app.Main"));
    command.addAll(args);
    return command;
  }

  private static List<String> launcher(int ranks) throws Exception {
    List<String> launcher = new ArrayList<>(List.of(MPIRUN));
    try {
      Process version = new ProcessBuilder(MPIRUN, "--version").start();
      if (new String(version.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
          .contains("Open MPI")) {
        launcher.addAll(List.of("--oversubscribe", "--bind-to", "none"));
      }
    } catch (IOException e) {
      abort("ranks are not tested: there is no mpirun (apt install openmpi-bin)");
    }
    launcher.addAll(List.of("-n", Integer.toString(ranks)));
    return launcher;
  }
}

package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlotCommandTest {
  private static final String LOG =
      """
      {"iter":0,"train_loss":4.2,"val_loss":4.2}
      {"iter":0,"loss":4.2,"lr":0.001,"grad_norm":1.0,"ms":12.0,"tokens_per_s":1000.0}
      {"iter":1,"loss":4.1,"lr":0.001,"grad_norm":1.0,"ms":12.0,"tokens_per_s":1000.0}
      {"iter":2,"train_loss":4.0,"val_loss":4.05}
      """;

  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aRunIsDrawnIntoItsOwnFolder() throws IOException {
    Path run = run("tiny");
    assertThat(plot(run.toString())).isZero();
    Path chart = run.resolve("loss.svg");
    assertThat(out).hasToString("wrote " + chart + System.lineSeparator());
    assertThat(Files.readString(chart)).contains("<title>tiny</title>", "best 4.050 at 2");
  }

  @Test
  void theFolderOfTheChartIsMade() throws IOException {
    Path chart = folder.resolve("new/folder/curve.svg");
    assertThat(plot(run("tiny").toString(), "-o", chart.toString())).isZero();
    assertThat(chart).isNotEmptyFile();
    assertThat(plot(run("tiny").toString(), "-o", "/")).isEqualTo(2);
    assertThat(err).asString().contains("must end in .svg or .png, not /");
  }

  @Test
  void severalRunsAreDrawnIntoOneFile() throws IOException {
    Path chart = folder.resolve("both.svg");
    Path log = run("b").resolve("metrics.jsonl");
    int code = plot(run("a").toString(), log.toString(), "-o", chart.toString(), "--title", "A/B");
    assertThat(code).isZero();
    assertThat(Files.readString(chart))
        .contains("<title>A/B</title>", ">a, best 4.050 at 2<", ">b, best 4.050 at 2<");
  }

  @Test
  void runsOfTheSameNameAreToldApartByPath() throws IOException {
    Path chart = folder.resolve("both.svg");
    Path one = run("one/run");
    Path two = run("two/run");
    assertThat(plot(one.toString(), two.toString(), "-o", chart.toString())).isZero();
    assertThat(Files.readString(chart)).contains("one/run, best", "two/run, best");
  }

  @Test
  void whatIsNoRunIsSaidInOneSentence() {
    Path nowhere = folder.resolve("nowhere");
    assertThat(plot(nowhere.toString())).isEqualTo(1);
    assertThat(err)
        .hasToString("jambic: " + nowhere + " does not exist; name the folder of a run" + nl());
    assertThat(plot(folder.toString())).isEqualTo(1);
    assertThat(err.toString())
        .endsWith(
            folder.resolve("metrics.jsonl") + " does not exist; name the folder of a run" + nl());
    assertThat(plot()).isEqualTo(2);
  }

  @Test
  void anotherFormatIsAUsageError() {
    assertThat(plot(folder.toString(), "-o", "x.bmp")).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("jambic: --output must end in .svg or .png, not x.bmp" + nl());
  }

  private int plot(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "plot";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(all);
  }

  private Path run(String name) throws IOException {
    Path run = Files.createDirectories(folder.resolve(name));
    Files.writeString(run.resolve("metrics.jsonl"), LOG);
    return run;
  }

  private static String nl() {
    return System.lineSeparator();
  }
}

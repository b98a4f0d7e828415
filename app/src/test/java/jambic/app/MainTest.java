package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class MainTest {

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void helpNamesTheTool() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("Usage: jambic");
  }

  @Test
  void versionNamesJava() {
    assertThat(run("--version")).isZero();
    assertThat(out.toString()).startsWith("jambic ").contains("Java " + Runtime.version());
  }

  @Test
  void anUnknownOptionIsASentenceWithTheNearestName() {
    assertThat(run("--versoin")).isEqualTo(2);
    assertThat(err.toString())
        .contains("jambic: there is no option --versoin; did you mean --version?")
        .contains("Try 'jambic --help'.");
  }

  private int run(String... args) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }
}

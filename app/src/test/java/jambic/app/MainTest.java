package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.JambicException;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

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

  @Test
  void aWrongCommandIsASentenceWithTheNearestName() {
    assertThat(run("sampel")).isEqualTo(2);
    assertThat(err.toString())
        .startsWith("jambic: there is no command sampel; did you mean sample?")
        .hasLineCount(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train",
        "sample",
        "eval",
        "logits",
        "export",
        "plot",
        "doctor",
        "bench",
        "completion",
        "rehearse"
      })
  void everyCommandHasHelp(String command) {
    assertThat(run(command, "--help")).isZero();
    assertThat(out.toString()).startsWith("Usage: jambic " + command + " [OPTIONS]");
    if (!command.equals("rehearse")) {
      assertThat(out.toString()).contains("Examples:" + System.lineSeparator() + "  jambic");
    }
    assertThat(out.toString().lines()).allMatch(line -> line.length() <= 100);
  }

  @Test
  void theRehearsalIsNotOffered() {
    run("--help");
    assertThat(out.toString()).doesNotContain("rehearse");
  }

  @Test
  void completionIsAScript() {
    assertThat(run("completion")).isZero();
    assertThat(out.toString())
        .startsWith("#!/usr/bin/env bash")
        .contains("--gradient-accumulation-steps", "complete -F _complete_jambic");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "state    | unexpected java.lang.IllegalStateException: odd; this is a defect",
        "assert   | unexpected java.lang.AssertionError; this is a defect",
        "memory   | out of memory, the heap's",
        "sentence | what was wrong, and what to do",
      })
  void aFailureIsOneLineWithoutAStackTrace(String how, String sentence) {
    assertThat(run("fail", how)).isEqualTo(1);
    assertThat(err.toString()).startsWith("jambic: " + sentence).hasLineCount(1);
    assertThat(run("--stacktrace", "fail", how)).isEqualTo(1);
    assertThat(err.toString()).contains("\tat jambic.app", "Fail.run(");
  }

  @Command(name = "fail")
  private static final class Fail implements Runnable {
    @Parameters private String how;

    @Override
    public void run() {
      switch (how) {
        case "state" -> throw new IllegalStateException("odd");
        case "assert" -> throw new AssertionError();
        case "memory" -> throw new OutOfMemoryError("Java heap space");
        default -> throw new JambicException("what was wrong, and what to do");
      }
    }
  }

  private int run(String... args) {
    return Main.commandLine()
        .addSubcommand(new Fail())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }
}

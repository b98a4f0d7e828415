package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.app.cli.FlagFile;
import jambic.tensor.BatchTooLargeException;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Parameters;

class MainTest {
  @TempDir private Path folder;

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
  void aCommandAloneIsWhatItIsAmongAll() {
    CommandLine all = Main.commandLine();
    assertThat(all.getSubcommands()).hasSize(29);
    all.getSubcommands()
        .forEach((name, command) -> {
          CommandLine alone = Main.commandLine(name, "--help");
          assertThat(alone.getSubcommands())
              .hasSize(List.of("completion", "help").contains(name) ? 29 : 1);
          assertThat(alone.getSubcommands().get(name).getUsageMessage())
              .isEqualTo(command.getUsageMessage());
        });
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
        "chat",
        "translate",
        "eval",
        "logits",
        "export",
        "plot",
        "runs",
        "watch",
        "info",
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
  void aNumberThatIsNoneIsASentence() {
    assertThat(CommandLineCall.of("train", "--threads", "abc").err())
        .startsWith("jambic: --threads must be a whole number, not 'abc'");
    assertThat(CommandLineCall.of("logits", "x", "--ids", "1,99999999999").err())
        .startsWith("jambic: --ids must be a whole number of 32 bits, not '99999999999'");
    assertThat(CommandLineCall.of("sample", "x", "--seed", "99999999999999999999").err())
        .startsWith("jambic: --seed must be a whole number of 64 bits, not '99999999999999999999'");
    assertThat(CommandLineCall.of("sample", "x", "--temperature", "hot").err())
        .startsWith("jambic: --temperature must be a number, not 'hot'");
    assertThat(CommandLineCall.of("bench", "--seconds", "1e999").err())
        .startsWith("jambic: --seconds must be a number that 64 bits can hold, not '1e999'");
    assertThat(CommandLineCall.of("train", "--learning-rate", "1e999").err())
        .startsWith(
            "jambic: --learning-rate must be a number of 64 bits, which 1e999 is too large for");
    assertThat(CommandLineCall.of("bench", "--threads", "100000").err())
        .contains("--threads must be from 1 to 1024, not 100000");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "sample                  | sample needs MODEL, as in: jambic sample runs/shakespeare-char-cpu",
        "export x                | export needs --out DIR, as in: jambic export out --out exported",
        "prepare                 | prepare needs --out DIR and FILE, as in: jambic prepare input.txt",
        "logits -m x             | logits needs --ids ID or --prompt TEXT, as in: jambic logits --model",
        "sample x -p             | --prompt needs a value: --prompt TEXT",
        "train --data --out x    | --data needs a value: --data TEXT",
        "sample x -p a --prompt-file b | --prompt and --prompt-file exclude each other; give one",
        "eval x --split=vl       | --split must be one of val, train, both, not 'vl'; did you mean val?",
        "sample x --greedy=maybe | --greedy must be true or false, not 'maybe'",
        "sample x --prompt @f.txt | --prompt @f.txt would read flags from the file f.txt; for its text"
            + " say --prompt-file f.txt, for a value that begins with @ write @@f.txt",
        "train --data @f.txt     | --data @f.txt would read flags from the file f.txt; for a value",
        "help trian              | there is no command trian; did you mean train?",
        "help fly                | there is no command fly; jambic --help has them all",
      })
  void whatIsMissingOrWrongIsSaidWithTheRemedy(String line, String sentence) {
    CommandLineCall call = CommandLineCall.of((Object[]) line.split(" "));
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err()).startsWith("jambic: " + sentence).hasLineCount(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "train --preset nanogtp",
        "bench --preset nanogtp",
        "plan nanogtp",
        "plan gpt2 --device abacus",
        "train --tokenizer nothing",
        "tokenize --tokenizer nothing x",
        "prepare pom.xml --tokenizer nothing --out none",
        "bench --backend cpu --dtype bf16",
        "bench --backend cpu --dtype fp8",
        "bench --backend abacus",
        "bench --quantize int3",
        "bench --seconds 0",
        "sample x --temperature -1",
        "sample x --top-p 2",
        "sample x --num-samples 0",
        "sample x --repetition-penalty 0",
        "train --freeze nothing",
        "train --lora-rank 2 --lora-targets nothing",
        "train --decay-on nothing"
      })
  void aWrongValueOfAnOptionIsAWrongCommandLine(String line) {
    CommandLineCall call = CommandLineCall.of((Object[]) line.split(" "));
    assertThat(call.err()).startsWith("jambic: ").hasLineCount(2);
    assertThat(call.code()).isEqualTo(2);
  }

  @Test
  void everyOptionThatHasADefaultSaysIt() {
    Set<String> without = // nothing happens, or nothing is read, where they are not given
        Set.of(
            "--config --init --text-field --prompt-file --stop --logprobs --jsonl --ids"
                .split(" "));
    Set<String> silent = new TreeSet<>();
    Main.commandLine()
        .getSubcommands()
        .forEach((name, command) -> {
          for (OptionSpec option : command.getCommandSpec().options()) {
            String help = String.join(" ", option.description());
            boolean takesValue = option.arity().max() > 0 && !option.required();
            boolean alias = help.startsWith("The same");
            if (takesValue
                && !alias
                && !without.contains(option.longestName())
                && !help.contains("Default: ")) {
              silent.add(name + " " + option.longestName());
            }
            if (option.defaultValue() != null) {
              assertThat(help).as(option.longestName()).contains("Default: ");
            }
          }
        });
    assertThat(silent).isEmpty();
  }

  @Test
  void aFolderHoldsNoFlags(@TempDir Path folder) {
    CommandLineCall call = CommandLineCall.of("train", "@" + folder);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith(
            "jambic: cannot read flags from %s: it is a folder; give a text file\n"
                .formatted(folder))
        .hasLineCount(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"--prompt \"O 'Romeo", "--prompt don't", "--stop 'a\\' # x", "'\"' \"'\" \""})
  void aQuoteThatAFileOfFlagsLeavesOpenIsOneSentence(String line) throws Exception {
    Path flags = Files.writeString(folder.resolve("flags"), "# don't\n\n%s\n".formatted(line));
    CommandLineCall call = CommandLineCall.of("sample", "x", "@" + flags);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith("jambic: cannot read flags from %s: line 3 opens a quote ".formatted(flags))
        .hasLineCount(2);
  }

  @Test
  void quotesThatAFileOfFlagsClosesAreLeft() throws Exception {
    Path flags =
        Files.writeString(
            folder.resolve("flags"),
            "--prompt \"don't\" # isn't\n--stop '\"' --stop \"\\\"\" --stop 'a\\'b'\n");
    CommandLineCall call = CommandLineCall.of("sample", folder.resolve("none"), "@" + flags);
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err()).contains("does not exist");
  }

  @Test
  void aFileOfFlagsMayBeginWithAByteOrderMarkAndNameAnother() throws Exception {
    Path inner = Files.writeString(folder.resolve("inner"), "\uFEFF# a comment\n--seed=1 @@x");
    Path flags =
        Files.writeString(
            folder.resolve("outer"), "\uFEFF--prompt 'a # b'\n@%s\n".formatted(inner));
    String[] words =
        FlagFile.expand(Main.commandLine(), "sample", "@" + flags, "@@y", "@none", "@");
    assertThat(words)
        .containsExactly("sample", "--prompt", "a # b", "--seed=1", "@x", "@y", "@none", "@");
    Files.writeString(inner, "@" + flags);
    assertThat(FlagFile.expand(Main.commandLine(), "@" + flags))
        .containsExactly("--prompt", "a # b");
  }

  @Test
  void outputThatIsLostIsAFailure() throws Exception {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "there is no /dev/full, a disk without room");
    Path log = folder.resolve("log");
    Process process =
        Application.process(List.of("doctor", "--json"))
            .redirectOutput(full.toFile())
            .redirectError(log.toFile())
            .start();
    assertThat(process.waitFor()).isEqualTo(1);
    assertThat(log).content().contains("jambic: cannot write the output: No space left on device");
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
  @CsvSource({
    "jambic train --preset lec, lecture-small lecture",
    "jambic bench --preset fine, finetune-shakespeare",
    "jambic train --backend re, reference",
    "jambic plan --preset gpt3-2, gpt3-2.7b",
    "jambic plan --device h10, h100-pcie h100",
    "jambic sample --dtype bf, bf16",
    "jambic exp, export"
  })
  void aShellCompletesCommandsAndValues(String typed, String offers) throws Exception {
    run("completion");
    Path script = Files.writeString(folder.resolve("completion"), out.toString());
    String complete =
        "source '%s'; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _complete_jambic; echo ${COMPREPLY[@]}"
            .formatted(script, typed);
    Process bash;
    try {
      bash = new ProcessBuilder("bash", "-c", complete).redirectErrorStream(true).start();
    } catch (IOException e) {
      abort("there is no bash");
      return;
    }
    assertThat(new String(bash.getInputStream().readAllBytes()).strip()).isEqualTo(offers);
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

  @Test
  void outOfMemoryAdvisesWhatTheCommandHas() {
    assertThat(run("fail", "memory")).isEqualTo(1);
    assertThat(err.toString()).contains(" MiB are full; give Java more with JAMBIC_JAVA_OPTS=-Xmx");
    CommandLine commandLine = Main.commandLine("fail");
    commandLine.addSubcommand(new Fail());
    commandLine
        .getSubcommands()
        .get("fail")
        .getCommandSpec()
        .addOption(OptionSpec.builder("--resume").type(boolean.class).build())
        .addOption(OptionSpec.builder("--block-size").type(int.class).build())
        .addOption(OptionSpec.builder("--batch-size").type(int.class).build());
    err.getBuffer().setLength(0);
    commandLine.setErr(new PrintWriter(err)).execute("fail", "memory");
    assertThat(err.toString()).contains(" full; lower --batch-size or --block-size, or give Java");
    err.getBuffer().setLength(0);
    commandLine.execute("fail", "batch");
    assertThat(err.toString())
        .isEqualTo("jambic: take a smaller batch with --batch-size or --block-size\n");
    err.getBuffer().setLength(0);
    commandLine.execute("fail", "batch", "--resume");
    assertThat(err.toString()).isEqualTo("jambic: take a smaller batch\n");
    err.getBuffer().setLength(0);
    assertThat(run("fail", "batch")).isEqualTo(1);
    assertThat(err.toString()).isEqualTo("jambic: take a smaller batch\n");
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
        case "batch" -> throw new BatchTooLargeException("take a smaller batch");
        default -> throw new JambicException("what was wrong, and what to do");
      }
    }
  }

  private int run(String... args) {
    return Main.commandLine(args)
        .addSubcommand(new Fail())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }
}

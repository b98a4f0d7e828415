package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleCommandTest {
  @TempDir static Path folder;
  private static Path run;

  @BeforeAll
  static void train() throws IOException {
    run = TinyRun.trained(folder);
  }

  @Test
  void theTextFollowsThePromptAndIsTheSameForTheSameSeed() {
    CommandLineCall call = sample("--prompt", "The", "--max-new-tokens=40", "--seed=1");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).startsWith("The").hasSize(3 + 40 + 1);
    assertThat(sample("--prompt", "The", "--max-new-tokens=40", "--seed=1")).isEqualTo(call);
    assertThat(sample("--prompt", "The", "--max-new-tokens=40", "--seed=2").out())
        .isNotEqualTo(call.out());
  }

  @Test
  void withoutAPromptItBeginsALine() {
    assertThat(sample("--max-new-tokens=40").out()).hasSize(40 + 1);
  }

  @Test
  void aModelWithoutLinesBeginsToo() throws IOException {
    Path text = Files.writeString(folder.resolve("flat.txt"), "abc ".repeat(100));
    Path flat = folder.resolve("flat");
    TinyRun.train(text, flat);
    CommandLineCall call = CommandLineCall.of("sample", flat, "--max-new-tokens=5");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).startsWith(" ").hasSize(1 + 5 + 1);
  }

  @Test
  void severalTextsAreApart() {
    String out = sample("--num-samples=3", "--max-new-tokens=10").out();
    assertThat(out.split("\n---------------\n")).hasSize(3).doesNotHaveDuplicates();
  }

  @Test
  void greedyTextsAreAllTheSame() {
    String out = sample("--num-samples=2", "--max-new-tokens=10", "--greedy").out();
    String[] texts = out.split("\n---------------\n");
    assertThat(texts[0]).isEqualTo(texts[1].substring(0, 10));
  }

  @Test
  void tenThousandCharactersGoToAFile() throws IOException {
    Path file = folder.resolve("more.txt");
    CommandLineCall call = sample("--max-new-tokens=10000", "--temperature=1", "--out", file);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out()).isEmpty();
    assertThat(Files.readString(file)).hasSize(10_001);
  }

  @Test
  void aLongPromptIsReadFromItsEndAndThatIsSaid() throws IOException {
    Path prompt = Files.writeString(folder.resolve("prompt"), "The quick brown fox");
    CommandLineCall whole = sample("--prompt-file", prompt, "--max-new-tokens=20");
    assertThat(whole.err())
        .isEqualTo(
            "jambic: the prompt has 19 tokens and the context 8: only the last 8 are read%n"
                .formatted());
    CommandLineCall end = sample("--prompt=rown fox", "--max-new-tokens=20");
    assertThat(end.err()).isEmpty();
    assertThat(whole.out()).endsWith(end.out());
  }

  @Test
  void anEditorsByteOrderMarkIsNoText() throws IOException {
    Path marked = Files.writeString(folder.resolve("marked"), "\uFEFFThe");
    assertThat(sample("--prompt-file", marked, "--seed=1"))
        .isEqualTo(sample("--prompt", "The", "--seed=1"));
  }

  @Test
  void aPromptComesFromStandardInputToo() {
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream("The".getBytes(StandardCharsets.UTF_8)));
      assertThat(sample("--prompt-file=-", "--seed=1"))
          .isEqualTo(sample("--prompt", "The", "--seed=1"));
      System.setIn(InputStream.nullInputStream());
      CommandLineCall nothing = sample("--prompt-file", "-");
      assertThat(nothing.code()).isEqualTo(2);
      assertThat(nothing.err())
          .startsWith("jambic: the prompt in standard input is empty; give at least one character");
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void anEmptyPromptFileIsNamed() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty"));
    CommandLineCall call = sample("--prompt-file", empty);
    assertThat(call.code()).isEqualTo(2);
    assertThat(call.err())
        .startsWith("jambic: the prompt in " + empty + " is empty; give at least one character")
        .doesNotContain("train");
  }

  @Test
  void jsonHasALineForEachText() throws IOException {
    CommandLineCall call = sample("--json", "-n=2", "--max-new-tokens=10", "-p=The", "--seed=5");
    assertThat(call.out().lines()).hasSize(2);
    Map<String, Object> second = JSON.std.mapFrom(call.out().lines().toList().getLast());
    assertThat(second)
        .containsEntry("prompt", "The")
        .containsEntry("seed", 6)
        .containsEntry("tokens", 10)
        .containsKeys("seconds", "tokens_per_s");
    assertThat((String) second.get("text")).hasSize(10);
  }

  @Test
  void aStopTextEndsTheSampleAndIsLeftOut() throws IOException {
    String text = sample("--prompt=The", "--max-new-tokens=40", "--greedy").out();
    String stop = text.substring(10, 13);
    int at = text.indexOf(stop, 3);
    assertThat(sample("--prompt=The", "--max-new-tokens=40", "--greedy", "--stop", stop).out())
        .isEqualTo(text.substring(0, at) + "\n");
    CommandLineCall call =
        sample("--json", "--prompt=The", "--max-new-tokens=40", "--greedy", "--stop", stop);
    assertThat(JSON.std.mapFrom(call.out()))
        .containsEntry("finish_reason", "stop")
        .containsEntry("text", text.substring(3, at));
  }

  /** A copy of the trained model whose end token is one that it writes greedily. */
  private static Path ending(String name, String eos) throws IOException {
    Path copy = Files.createDirectories(folder.resolve("copies").resolve(name));
    try (Stream<Path> files = Files.list(run.resolve("best"))) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    Path config = copy.resolve("config.json");
    String json = Files.readString(config);
    assertThat(json).contains("\"eos_token_id\" : null");
    Files.writeString(config, json.replace("\"eos_token_id\" : null", "\"eos_token_id\" : " + eos));
    return copy;
  }

  private static CommandLineCall greedy(Path model, Object... flags) {
    List<Object> args =
        new ArrayList<>(
            List.of("sample", model, "--prompt=The", "--max-new-tokens=40", "--greedy", "--json"));
    args.addAll(List.of(flags));
    return CommandLineCall.of(args.toArray());
  }

  @Test
  void anEndTokenEndsTheSampleAndIsLeftOut() throws IOException {
    Map<String, Object> whole = JSON.std.mapFrom(greedy(run, "--logprobs=0").out());
    Object end = ((Map<?, ?>) ((List<?>) whole.get("logprobs")).get(10)).get("id");
    String text = (String) whole.get("text");
    int at = text.indexOf(text.charAt(10));
    for (String eos : List.of(end.toString(), "[" + end + ", " + end + "]")) {
      Path model = ending("ending-" + eos.length(), eos);
      assertThat(JSON.std.mapFrom(greedy(model).out()))
          .containsEntry("finish_reason", "stop")
          .containsEntry("text", text.substring(0, at))
          .containsEntry("tokens", at + 1);
      assertThat(JSON.std.mapFrom(greedy(model, "--ignore-eos").out()))
          .containsEntry("finish_reason", "length")
          .containsEntry("text", text);
    }
  }

  @Test
  void whatGenerationConfigJsonSaysIsTheDefault() throws IOException {
    Path model = ending("configured", "null");
    Files.writeString(
        model.resolve("generation_config.json"),
        "{\"do_sample\": false, \"max_new_tokens\": 7, \"repetition_penalty\": 1.5}");
    String[] options = {"--greedy", "--max-new-tokens=7", "--repetition-penalty=1.5"};
    CommandLineCall configured = CommandLineCall.of("sample", model, "--prompt=The");
    assertThat(configured.code()).as(configured.err()).isZero();
    assertThat(configured.out()).isEqualTo(sample(append("--prompt=The", options)).out());
    assertThat(CommandLineCall.of("sample", model, "--ignore-generation-config").out())
        .isEqualTo(sample().out());
    assertThat(
            CommandLineCall.of("sample", model, "--temperature=1", "--repetition-penalty=1").out())
        .isEqualTo(sample("--temperature=1", "--max-new-tokens=7").out());
  }

  private static Object[] append(String first, String... rest) {
    return Stream.concat(Stream.of(first), Stream.of(rest)).toArray();
  }

  @Test
  void whatCannotBeObeyedOfItIsRefusedBySampleAlone() throws IOException {
    Path model = ending("beams", "null");
    Path file = Files.writeString(model.resolve("generation_config.json"), "{\"num_beams\": 4}");
    CommandLineCall refused = CommandLineCall.of("sample", model);
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .startsWith("jambic: " + file + ": 'num_beams' is '4', which is not supported")
        .contains("--ignore-generation-config samples without that file")
        .hasLineCount(1);
    assertThat(CommandLineCall.of("sample", model, "--ignore-generation-config").code()).isZero();
    Files.writeString(file, "{");
    assertThat(CommandLineCall.of("sample", model).err())
        .contains("is not a valid JSON object")
        .hasLineCount(1);
    CommandLineCall logits = CommandLineCall.of("logits", "--model", model, "--ids=1,2");
    assertThat(logits.code()).as(logits.err()).isZero();
    Path tuned = folder.resolve("tuned-beams");
    CommandLineCall train =
        CommandLineCall.of(
            "train",
            "--init",
            model,
            "--data",
            TinyRun.text(folder),
            "--out",
            tuned,
            "--max-iters=1",
            "--eval-iters=1",
            "--eval-interval=1",
            "--block-size=8",
            "--batch-size=1");
    assertThat(train.code()).as(train.err()).isZero();
  }

  @Test
  void logProbabilitiesAreThoseOfEveryTokenAndOfTheLikeliest() throws IOException {
    CommandLineCall call =
        sample("--json", "--logprobs=2", "--greedy", "--prompt=The", "--max-new-tokens=5");
    var tokens = (List<?>) JSON.std.mapFrom(call.out()).get("logprobs");
    assertThat(tokens).hasSize(5);
    for (Object token : tokens) {
      var fields = (Map<?, ?>) token;
      var top = (List<?>) fields.get("top");
      assertThat(top).hasSize(2);
      assertThat(((Map<?, ?>) top.getFirst()).get("token")).isEqualTo(fields.get("token"));
      assertThat((Double) fields.get("logprob")).isNegative();
    }
  }

  @Test
  void aCheckpointServesAsWellAsItsRun() {
    assertThat(CommandLineCall.of("sample", run.resolve("best")).out())
        .isEqualTo(CommandLineCall.of("sample", run).out());
    assertThat(CommandLineCall.of("sample", run.resolve("last")).code()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--prompt=Thé         | 1 | the character 'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE) at"
            + " index 2",
        "--prompt=            | 2 | the prompt is empty; give at least one character to begin with",
        "--prompt-file=/none  | 1 | /none does not exist",
        "--temperature=-1     | 2 | --temperature must be 0 or more",
        "--top-k=-1           | 2 | --top-k must be 0 (all tokens) or more",
        "--top-p=2            | 2 | --top-p must be above 0 and at most 1",
        "--top-p=0            | 2 | --top-p must be above 0 and at most 1, got 0.0",
        "--top-p=1e-300       | 2 | --top-p must be a number that 32 bits can hold, not '1e-300'",
        "--temperature=1e-999 | 2 | --temperature must be a number that 32 bits can hold, not",
        "--temperature=4e38   | 2 | --temperature must be a number that 32 bits can hold, not '4e38'",
        "--repetition-penalty=0 | 2 | --repetition-penalty must be above 0",
        "--stop=              | 2 | --stop needs at least one character",
        "--logprobs=2         | 2 | --logprobs are printed with --json only",
        "--max-new-tokens=-3  | 2 | --max-new-tokens must be at least 1, not -3",
        "--num-samples=x      | 2 | --num-samples must be a whole number, not 'x'",
        "--out=/none/x.txt    | 1 | cannot write /none/x.txt: there is no such file or folder",
        "--promt=x            | 2 | there is no option --promt; did you mean --prompt?",
        "--length=9           | 2 | there is no option --length; jambic sample --help has them all",
      })
  void aMistakeIsOneSentence(String flag, int code, String sentence) {
    CommandLineCall call = sample(flag);
    assertThat(call.err()).startsWith("jambic: " + sentence);
    assertThat(call.code()).isEqualTo(code);
    assertThat(call.err()).hasLineCount(code);
  }

  @Test
  void aFailureLeavesTheFileThatWasThere() throws IOException {
    Path file = Files.writeString(folder.resolve("precious"), "precious");
    assertThat(sample("--out", file, "--prompt=é").code()).isEqualTo(1);
    assertThat(file).hasContent("precious");
  }

  @Test
  void whatHoldsNoModelIsOneSentence() {
    Path nowhere = folder.resolve("nowhere");
    CommandLineCall missing = CommandLineCall.of("sample", nowhere);
    assertThat(missing.code()).isEqualTo(1);
    assertThat(missing.err())
        .startsWith("jambic: " + nowhere + " does not exist; name the folder of a run");
    CommandLineCall wrong = CommandLineCall.of("sample", folder);
    assertThat(wrong.code()).isEqualTo(1);
    assertThat(wrong.err()).contains("config.json").hasLineCount(1);
  }

  @Test
  void itStopsWhenNobodyReadsAnyMore() {
    PrintWriter pipe =
        new PrintWriter(Writer.nullWriter()) {
          private int written;

          @Override
          public void write(String text, int from, int count) {
            written += count;
          }

          @Override
          public boolean checkError() {
            return written > 100;
          }
        };
    int code =
        Main.commandLine()
            .setOut(pipe)
            .execute("sample", run.toString(), "--max-new-tokens=10000000");
    assertThat(code).isZero();
  }

  private static CommandLineCall sample(Object... flags) {
    Object[] args = new Object[flags.length + 2];
    args[0] = "sample";
    args[1] = run;
    System.arraycopy(flags, 0, args, 2, flags.length);
    return CommandLineCall.of(args);
  }
}

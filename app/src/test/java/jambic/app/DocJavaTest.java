package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the documents have for JShell and for a notebook runs as it stands, on another model. */
class DocJavaTest {
  private static final Path DOCS = Path.of("../docs");
  private static final String MODEL = "mine/best";
  private static final String MODULES = "jambic.serve,jambic.train,jdk.incubator.vector";
  private static final String CHAT_MODEL = "chatty/best";
  private static final int WRITTEN = 100;

  @TempDir private Path folder;

  @Test
  void theLinesForJShellWriteAText() throws Exception {
    String lines = block("JShell");
    assertThat(lines).contains('"' + MODEL + '"');
    assertWrites(lines.replace(MODEL, model().toString()), WRITTEN);
  }

  @Test
  void theLinesForAServerServe() throws Exception {
    String lines = block("serving.md", "In your application");
    assertThat(lines).contains('"' + MODEL + '"');
    assertWrites(
        lines.replace(MODEL, model().toString()), "serving at http://127.0.0.1:8080".length());
  }

  @Test
  void theLinesForAConversationWriteAnswers() throws Exception {
    String lines = block("A conversation");
    assertThat(lines).contains('"' + CHAT_MODEL + '"');
    Path text = folder.resolve("asked.txt");
    Files.writeString(text, lines.repeat(20)); // for every letter of the questions
    Path run = folder.resolve("letters");
    CommandLineCall train = TinyRun.train(text, run, "--block-size=160");
    assertThat(train.code()).as(train.err()).isZero();
    Path rows = folder.resolve("rows.jsonl");
    String row = "{\"messages\": [%s, %s]}\n".formatted(message("user"), message("assistant"));
    Files.writeString(rows, row.repeat(20));
    Path chat = folder.resolve("chat");
    CommandLineCall sft =
        CommandLineCall.of(
            "sft",
            "--init=" + run,
            "--data=" + rows,
            "--chat-template=chatml",
            "--max-iters=1",
            "--out=" + chat);
    assertThat(sft.code()).as(sft.err()).isZero();
    assertWrites(lines.replace(CHAT_MODEL, chat.resolve("best").toString()), 1);
  }

  @Test
  void theLinesForAStageTrain() throws Exception {
    Path questions = folder.resolve("questions");
    Path tokens = folder.resolve("tokens");
    Path pre = folder.resolve("pre");
    done("questions", "--out", questions, "--count=60", "--statements=300");
    done("prepare", questions.resolve("statements.txt"), "--train-bpe=257", "--out", tokens);
    done(
        "train",
        "--data",
        tokens,
        "--out",
        pre,
        "--preset=lecture-small",
        "--block-size=64",
        "--batch-size=2",
        "--max-iters=2",
        "--eval-iters=1",
        "--backend=cpu");
    String lines = block("alignment.md", "In your application");
    Path out = folder.resolve("tuned");
    assertWrites(
        lines
            .replace("pre/best", pre.resolve("best").toString())
            .replace("\"sft.jsonl\")", "\"" + questions.resolve("sft.jsonl") + "\")")
            .replace("\"sft\"", "\"" + out + "\"")
            .replace("300", "2"),
        "2 iterations".length());
    assertThat(out.resolve("last/model.safetensors")).exists();
  }

  private static void done(Object... words) {
    CommandLineCall call = CommandLineCall.of(words);
    assertThat(call.code()).as(call.err()).isZero();
  }

  private static String message(String role) {
    return "{\"role\": \"%s\", \"content\": \"chat\"}".formatted(role);
  }

  private static String block(String chapter) throws IOException {
    return block("embedding.md", chapter);
  }

  /** The first Java of a chapter. */
  private static String block(String document, String chapter) throws IOException {
    Matcher block =
        Pattern.compile("(?s)\n## " + chapter + "\n.*?\n```java\n(.*?)```")
            .matcher(Files.readString(DOCS.resolve(document)));
    assertThat(block.find()).isTrue();
    return block.group(1);
  }

  @Test
  void theCellsOfTheNotebookWriteAText() throws Exception {
    StringBuilder script = new StringBuilder();
    Map<String, Object> notebook =
        JSON.std.mapFrom(Files.readString(DOCS.resolve("notebook.ipynb")));
    for (Object cell : (List<?>) notebook.get("cells")) {
      Map<?, ?> fields = (Map<?, ?>) cell;
      if (fields.get("cell_type").equals("code")) {
        ((List<?>) fields.get("source"))
            .stream().filter(line -> !line.toString().startsWith("%")).forEach(script::append);
        script.append('\n');
      }
    }
    assertThat(script).contains("\"../" + MODEL + '"');
    assertWrites(script.toString().replace("../" + MODEL, model().toString()), WRITTEN);
  }

  private Path model() throws IOException {
    return TinyRun.trained(folder).resolve("best");
  }

  /** JShell says on lines that begin with a bar what it cannot compile, and what was thrown. */
  private void assertWrites(String script, int least) throws Exception {
    Path lines = Files.writeString(folder.resolve("script"), script);
    Process jshell =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jshell").toString(),
                "--module-path=" + System.getProperty("jdk.module.path"),
                "--add-modules=" + MODULES,
                "-R--module-path=" + System.getProperty("jdk.module.path"),
                "-R--add-modules=" + MODULES,
                "-s",
                "-")
            .redirectInput(lines.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String written = new String(jshell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(jshell.waitFor()).isZero();
    assertThat(written.lines()).noneMatch(line -> line.startsWith("|"));
    assertThat(written).hasSizeGreaterThanOrEqualTo(least);
  }
}

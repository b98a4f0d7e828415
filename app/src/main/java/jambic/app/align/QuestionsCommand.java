package jambic.app.align;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.model.chat.Message;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.Questions;
import jambic.train.example.Questions.Kind;
import jambic.train.example.Questions.Question;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes questions whose answers can be checked: data for every stage of alignment. */
@Command(
    name = "questions",
    description = {
      "Writes questions whose answers can be checked, to learn from and to test with.",
      "A tenth of all questions is held out for the test; no other file has them."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    footerHeading = "%nFiles:%n",
    footer = {
      "  sft.jsonl        prompts with their completions, to show how to answer",
      "  prompts.jsonl    prompts with the right answers, to try and to be rated",
      "  test.jsonl       up to 500 prompts held out, with the right answers",
      "  statements.txt   sentences that say the same, to train on before",
      "",
      "Example:",
      "  jambic questions --out data --kinds larger,after"
    })
public final class QuestionsCommand implements Callable<Integer> {
  private static final int TEST = 500;

  /** Far apart, so that no file continues where another one began. */
  private static final long PART = 1L << 40;

  @Spec private CommandSpec spec;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "DIR",
      required = true,
      description = "The folder to write to.")
  private Path out;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "6000",
      description = "How many demonstrations, and as many prompts. Default: ${DEFAULT-VALUE}.")
  private int count;

  @Option(
      names = "--statements",
      paramLabel = "N",
      defaultValue = "100000",
      description = "How many sentences, which repeat. Default: ${DEFAULT-VALUE}.")
  private int statements;

  @Option(
      names = "--kinds",
      paramLabel = "KIND",
      split = ",",
      defaultValue = "larger,after,last,letters",
      description = {
        "What is asked, with commas between: plus, minus, larger, after,",
        "reverse, last, letters, day. Default: ${DEFAULT-VALUE}."
      })
  private List<String> kinds;

  @Option(
      names = "--messages",
      description = {
        "Write them as messages of a conversation, for a chat template.",
        "Default: as texts, with Q: before a question and A: below it."
      })
  private boolean messages;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1337",
      description = "Makes the questions these and no others. Default: ${DEFAULT-VALUE}.")
  private long seed;

  /** For the command line. */
  public QuestionsCommand() {}

  @Override
  public Integer call() throws IOException {
    requirePositive("--count", count);
    requirePositive("--statements", statements);
    Questions questions = new Questions(kinds.stream().distinct().map(this::kind).toList(), seed);
    List<Question> demonstrations = questions.list(count, 0, false);
    List<Question> prompts = questions.list(count, PART, false);
    List<Question> test = questions.atMost(TEST, 2 * PART, true);
    Map<Path, String> files = new LinkedHashMap<>();
    files.put(out.resolve("sft.jsonl"), lines(demonstrations, this::demonstration));
    files.put(out.resolve("prompts.jsonl"), lines(prompts, this::prompt));
    files.put(out.resolve("test.jsonl"), lines(test, this::prompt));
    files.put(out.resolve("statements.txt"), statements(questions));
    for (Map.Entry<Path, String> file : files.entrySet()) {
      requireReplaceable(file.getKey(), file.getValue());
    }
    createFolder();
    files.forEach(AtomicFile::writeString);
    spec.commandLine()
        .getOut()
        .println(
            Text.format(
                "wrote %s: %s, %s, %s held out, %s",
                out,
                ErrorText.count(count, "demonstration"),
                ErrorText.count(count, "prompt"),
                ErrorText.count(test.size(), "question"),
                ErrorText.count(statements, "statement")));
    return 0;
  }

  private void requirePositive(String name, int value) {
    if (value < 1) {
      throw new ParameterException(
          spec.commandLine(), Text.format("%s must be at least 1, not %d", name, value));
    }
  }

  private Kind kind(String name) {
    try {
      return Kind.of(name.strip());
    } catch (JambicException e) {
      throw new ParameterException(spec.commandLine(), "--kinds: " + e.getMessage(), e);
    }
  }

  private void createFolder() {
    try {
      Files.createDirectories(out);
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot make the folder %s: %s", out, ErrorText.reason(e)), e);
    }
  }

  /** A file of the same name may be anybody's. */
  private static void requireReplaceable(Path file, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (Files.exists(file)
        && !(Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), bytes))) {
      throw new JambicException(
          file + " exists with another content; remove it, or name another folder with --out");
    }
  }

  private static String lines(
      List<Question> questions, Function<Question, Map<String, Object>> row) {
    StringBuilder lines = new StringBuilder();
    for (Question question : questions) {
      try {
        lines.append(JSON.std.asString(row.apply(question))).append('\n');
      } catch (IOException e) {
        throw new IllegalStateException("a map of texts is JSON", e);
      }
    }
    return lines.toString();
  }

  private Map<String, Object> demonstration(Question question) {
    Map<String, Object> row = new LinkedHashMap<>();
    String answer = question.demonstration();
    if (messages) {
      row.put(
          "messages",
          List.of(message(Message.USER, question.question()), message(Message.ASSISTANT, answer)));
    } else {
      row.put("prompt", question.prompt());
      row.put("completion", answer);
    }
    return row;
  }

  private static Map<String, String> message(String role, String content) {
    Map<String, String> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private Map<String, Object> prompt(Question question) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put(
        "prompt",
        messages ? List.of(message(Message.USER, question.question())) : question.prompt());
    row.put("answer", question.answer());
    row.put("kind", question.kind().text());
    return row;
  }

  private String statements(Questions questions) {
    StringBuilder text = new StringBuilder();
    LongStream.iterate(3 * PART, index -> index + 1)
        .mapToObj(questions::question)
        .filter(question -> !question.isHeldOut())
        .limit(statements)
        .forEach(question -> text.append(question.statement()).append('\n'));
    return text.toString();
  }
}

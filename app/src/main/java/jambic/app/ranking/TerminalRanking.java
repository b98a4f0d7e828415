package jambic.app.ranking;

import jambic.app.cli.Interruptible;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.PromptFile;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.Rollout;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/**
 * Lets a person order answers in the terminal, the best first. Each prompt's pairs are written at
 * once, so that nothing is lost by stopping.
 */
final class TerminalRanking {
  private final PrintWriter out;
  private final OrderInput in;
  private final Tokenizer tokenizer;
  private final Path file;
  private final boolean resume;

  /** What the person has decided, for undoing. */
  private final Deque<Decision> decisions = new ArrayDeque<>();

  /** Of which prompt, and how long the file was before it. */
  private record Decision(int prompt, long length) {}

  TerminalRanking(PrintWriter out, OrderInput in, Tokenizer tokenizer, Path file, boolean resume) {
    this.out = out;
    this.in = in;
    this.tokenizer = tokenizer;
    this.file = file;
    this.resume = resume;
  }

  /** Goes through the prompts. */
  int rank(List<TokenPrompt> prompts, Function<List<TokenPrompt>, Optional<List<Rollout>>> draw) {
    try {
      int first = resume ? behindLastOf(prompts) : 0;
      if (!Files.exists(file)) {
        Files.createFile(file);
      }
      in.help().forEach(out::println);
      for (int i = first; i < prompts.size(); ) {
        TokenPrompt prompt = prompts.get(i);
        Optional<List<Rollout>> drawn = draw.apply(List.of(prompt));
        if (drawn.isEmpty()) {
          return Interruptible.INTERRUPTED;
        }
        RankedAnswers answers =
            RankedAnswers.of(prompt.row(), drawn.get(), new double[drawn.get().size()], tokenizer);
        show(i, prompts.size(), prompt, answers);
        OptionalInt next = answers.answers().size() < 2 ? OptionalInt.of(i + 1) : ask(i, answers);
        if (next.isEmpty()) {
          break;
        }
        i = next.getAsInt();
      }
      out.println("pairs    in " + file);
      return 0;
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot write %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  /** The prompt behind the last one that the file has pairs of; those skipped stay skipped. */
  private int behindLastOf(List<TokenPrompt> prompts) {
    if (!Files.exists(file)) {
      return 0;
    }
    Set<String> done = new HashSet<>();
    PromptFile.read(file).rows().forEach(row -> done.add(row.prompt().toString()));
    int last = prompts.size() - 1;
    while (last >= 0 && !done.contains(prompts.get(last).row().prompt().toString())) {
      last--;
    }
    return last + 1;
  }

  private void show(int at, int count, TokenPrompt prompt, RankedAnswers answers) {
    out.println();
    out.println(Text.format("%d of %d", at + 1, count));
    out.println(tokenizer.decode(prompt.ids()).strip());
    for (int i = 0; i < answers.answers().size(); i++) {
      out.println(Text.format("  %d  %s", i + 1, answers.answers().get(i).strip()));
    }
    if (answers.answers().size() < 2) {
      out.println("  there are no two answers that end and differ; on to the next prompt");
    }
    out.flush();
  }

  /** The prompt that comes next; empty to stop. */
  private OptionalInt ask(int prompt, RankedAnswers answers) throws IOException {
    while (true) {
      String line = in.order(answers.answers()).map(String::strip).orElse("q");
      switch (line) {
        case "q" -> {
          return OptionalInt.empty();
        }
        case "s" -> {
          decisions.push(new Decision(prompt, Files.size(file)));
          return OptionalInt.of(prompt + 1);
        }
        case "u" -> {
          if (!decisions.isEmpty()) {
            Decision undone = decisions.pop();
            cut(undone.length());
            return OptionalInt.of(undone.prompt());
          }
          out.println("There is nothing to go back to.");
        }
        default -> {
          Optional<List<Double>> scores = scores(line, answers.answers().size());
          if (scores.isPresent()) {
            decisions.push(new Decision(prompt, Files.size(file)));
            append(new RankedAnswers(answers.row(), answers.answers(), scores.get(), 0).lines());
            return OptionalInt.of(prompt + 1);
          }
          out.println(
              Text.format(
                  "Give each number from 1 to %d once, as %s; or s, u or q.",
                  answers.answers().size(), "2 1=3"));
        }
      }
    }
  }

  /** The scores of an order; empty if it does not name each answer once. */
  static Optional<List<Double>> scores(String order, int count) {
    Double[] scores = new Double[count];
    double place = 0;
    for (String group : order.strip().replaceAll("\\s*=\\s*", "=").split("[\\s,>]+")) {
      place--;
      for (String number : group.split("=", -1)) {
        int answer = number.matches("\\d{1,4}") ? Integer.parseInt(number) : 0;
        if (answer < 1 || answer > count || scores[answer - 1] != null) {
          return Optional.empty();
        }
        scores[answer - 1] = place;
      }
    }
    return Arrays.asList(scores).contains(null) ? Optional.empty() : Optional.of(List.of(scores));
  }

  private void append(List<String> lines) throws IOException {
    if (!lines.isEmpty()) {
      Files.writeString(
          file, String.join("\n", lines) + "\n", StandardCharsets.UTF_8, StandardOpenOption.APPEND);
    }
  }

  private void cut(long length) throws IOException {
    try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }
}

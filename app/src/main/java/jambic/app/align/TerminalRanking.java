package jambic.app.align;

import jambic.app.cli.Interruptible;
import jambic.model.io.ErrorText;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.example.PromptFile;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.Rollout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Lets a person order answers in the terminal, the best first. Each prompt's pairs are written at
 * once, so that nothing is lost by stopping.
 */
final class TerminalRanking {
  private final PrintWriter out;
  private final BufferedReader in;
  private final Tokenizer tokenizer;
  private final Path file;
  private final boolean resume;

  /** Prompts that are done, for undoing: how long the file was before each. */
  private final List<Long> before = new ArrayList<>();

  TerminalRanking(CommandSpec spec, Tokenizer tokenizer, Path file, boolean resume) {
    out = spec.commandLine().getOut();
    in = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
    this.tokenizer = tokenizer;
    this.file = file;
    this.resume = resume;
  }

  /** Goes through the prompts. */
  int rank(List<TokenPrompt> prompts, Function<List<TokenPrompt>, Optional<List<Rollout>>> draw) {
    try {
      Set<String> done = resume ? done() : Set.of();
      if (!Files.exists(file)) {
        Files.createFile(file);
      }
      out.println("Type the numbers of the answers, the best first, as 2 1 3; equal ones with =,");
      out.println("as 2 1=3. s skips a prompt, u goes back to the one before, q stops.");
      List<TokenPrompt> open =
          prompts.stream().filter(prompt -> !done.contains(text(prompt))).toList();
      for (int i = 0; i < open.size(); ) {
        Optional<List<Rollout>> drawn = draw.apply(List.of(open.get(i)));
        if (drawn.isEmpty()) {
          return Interruptible.INTERRUPTED;
        }
        RankedAnswers answers =
            RankedAnswers.of(
                open.get(i).row(), drawn.get(), new double[drawn.get().size()], tokenizer);
        show(i, open.size(), open.get(i), answers);
        Step step = answers.answers().size() < 2 ? Step.SKIP : ask(answers);
        if (step == Step.QUIT) {
          break;
        }
        i = step == Step.BACK ? Math.max(0, i - 1) : i + 1;
      }
      out.println("pairs    in " + file);
      return 0;
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot write %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private enum Step {
    NEXT,
    SKIP,
    BACK,
    QUIT
  }

  private Set<String> done() {
    if (!Files.exists(file)) {
      return Set.of();
    }
    Set<String> done = new HashSet<>();
    PromptFile.read(file).rows().forEach(row -> done.add(row.prompt().toString()));
    return done;
  }

  private static String text(TokenPrompt prompt) {
    return prompt.row().prompt().toString();
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

  private Step ask(RankedAnswers answers) throws IOException {
    while (true) {
      out.print("> ");
      out.flush();
      String line = in.readLine();
      if (line == null || line.strip().equals("q")) {
        return Step.QUIT;
      }
      switch (line.strip()) {
        case "s" -> {
          before.add(Files.size(file));
          return Step.SKIP;
        }
        case "u" -> {
          if (!before.isEmpty()) {
            cut(before.removeLast());
          }
          return Step.BACK;
        }
        default -> {
          Optional<List<Double>> scores = scores(line, answers.answers().size());
          if (scores.isPresent()) {
            before.add(Files.size(file));
            append(new RankedAnswers(answers.row(), answers.answers(), scores.get(), 0).lines());
            return Step.NEXT;
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

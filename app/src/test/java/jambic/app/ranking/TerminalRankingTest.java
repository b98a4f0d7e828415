package jambic.app.ranking;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.terminal.Keyboard;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.train.example.Prompt;
import jambic.train.example.PromptRow;
import jambic.train.example.TokenPrompt;
import jambic.train.policy.Rollout;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A person orders two answers, x and y, to the prompts a, b, c and d. */
class TerminalRankingTest {
  private static final Tokenizer TOKENIZER = CharTokenizer.of("abcdxy");

  /** Both answers to this one are alike, so that there is nothing to rank. */
  private static final String DULL = "b";

  private static final String UP = "\033[A";
  private static final String DOWN = "\033[B";

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("pairs.jsonl");
  }

  private String rank(String typed, boolean resume) {
    StringWriter out = new StringWriter();
    PrintWriter shown = new PrintWriter(out);
    OrderInput lines = new TypedOrder(new BufferedReader(new StringReader(typed)), shown);
    return rank(lines, shown, out, resume);
  }

  /** The same by keys, as a terminal sends them. */
  private String press(String keys, boolean resume) {
    StringWriter out = new StringWriter();
    PrintWriter shown = new PrintWriter(out);
    ByteArrayInputStream bytes = new ByteArrayInputStream(keys.getBytes(UTF_8));
    Keyboard keyboard = new Keyboard(bytes, () -> true, () -> {}); // waits for no more than these
    return rank(new ArrowOrder(keyboard, shown, () -> 12), shown, out, resume);
  }

  private String rank(OrderInput orders, PrintWriter shown, StringWriter out, boolean resume) {
    int code =
        new TerminalRanking(shown, orders, TOKENIZER, file(), resume)
            .rank(
                List.of("a", "b", "c", "d").stream().map(TerminalRankingTest::prompt).toList(),
                asked -> Optional.of(drawn(asked.getFirst())));
    assertThat(code).isZero();
    return out.toString();
  }

  private static TokenPrompt prompt(String text) {
    return new TokenPrompt(
        TOKENIZER.encode(text),
        new PromptRow(new Prompt.Plain(text), Optional.empty(), Optional.empty()));
  }

  private static List<Rollout> drawn(TokenPrompt prompt) {
    boolean dull = TOKENIZER.decode(prompt.ids()).equals(DULL);
    return IntStream.range(0, 2)
        .mapToObj(i -> {
          int[] words = TOKENIZER.encode(i == 0 || dull ? "x" : "y");
          return new Rollout(prompt, new int[] {words[0], 0}, true);
        })
        .toList();
  }

  private static String pair(String prompt, String chosen, String rejected) {
    return "{\"prompt\":\"%s\",\"chosen\":\"%s\",\"rejected\":\"%s\"}"
        .formatted(prompt, chosen, rejected);
  }

  @Test
  void anOrderBecomesPairsAndWhatNeedsNoneIsPassed() throws IOException {
    String out = rank("2 1\n1 2\ns\n", false);
    assertThat(Files.readAllLines(file()))
        .containsExactly(pair("a", "y", "x"), pair("c", "x", "y"));
    assertThat(out).contains("2 of 4").contains("no two answers that end and differ");
  }

  @Test
  void anAnswerThatIsPickedUpMovesWithTheArrows() throws IOException {
    String out = press(DOWN + " " + UP + " \n" + "\n" + "q", false); // y above x; as they are; stop
    assertThat(Files.readAllLines(file()))
        .containsExactly(pair("a", "y", "x"), pair("c", "x", "y"));
    assertThat(out).contains("*   2  y", "4 of 4");
  }

  @Test
  void arrowsAloneChangeNoOrderAndStopAtTheEnds() throws IOException {
    press(UP + DOWN + DOWN + DOWN + "\033OA" + "\033[1;5B" + "x\n", false);
    assertThat(Files.readAllLines(file())).containsExactly(pair("a", "x", "y"));
  }

  @Test
  void equalAnswersMakeNoPairAndUndoAndResumeAreAsWithLines() throws IOException {
    press(DOWN + "=\n" + "\n" + "u" + "21\177 1\n" + "q", false); // a equal, c, c again by numbers
    assertThat(Files.readAllLines(file())).containsExactly(pair("c", "y", "x"));
    assertThat(press("\n", true)).contains("4 of 4").doesNotContain("3 of 4");
    assertThat(Files.readAllLines(file()))
        .containsExactly(pair("c", "y", "x"), pair("d", "x", "y"));
  }

  @Test
  void undoGoesBackToTheLastDecisionAndNotToWhatHadNone() throws IOException {
    rank("1 2\nu\n2 1\ns\nu\n1 2\nq\n", false); // a, again a, skip c, again c
    assertThat(Files.readAllLines(file()))
        .containsExactly(pair("a", "y", "x"), pair("c", "x", "y"));
  }

  @Test
  void thereIsNothingBeforeTheFirst() {
    assertThat(rank("u\nq\n", false)).contains("There is nothing to go back to.");
  }

  @Test
  void aResumedRankingGoesOnBehindTheLastPairWithItsNumbers() throws IOException {
    rank("s\n2 1\nq\n", false); // a is skipped
    assertThat(rank("1 2\n", true)).contains("4 of 4").doesNotContain("1 of 4", "3 of 4");
    assertThat(Files.readAllLines(file()))
        .containsExactly(pair("c", "y", "x"), pair("d", "x", "y"));
  }
}

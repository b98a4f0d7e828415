package jambic.app.align;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.CommandLineCall;
import jambic.model.chat.Message;
import jambic.train.example.Demonstration;
import jambic.train.example.DemonstrationFile;
import jambic.train.example.Prompt;
import jambic.train.example.PromptFile;
import jambic.train.example.PromptRow;
import jambic.train.example.Rows;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuestionsCommandTest {
  @TempDir Path folder;

  private CommandLineCall questions(Object... more) {
    Object[] words = new Object[more.length + 3];
    words[0] = "questions";
    words[1] = "--out";
    words[2] = folder.resolve("data");
    System.arraycopy(more, 0, words, 3, more.length);
    return CommandLineCall.of(words);
  }

  @Test
  void theFilesCanBeReadAndNoneHasAQuestionOfTheTest() throws IOException {
    CommandLineCall call = questions("--count", 300, "--statements", 1000);
    assertThat(call.err()).isEmpty();
    Path data = folder.resolve("data");
    assertThat(call.out().strip())
        .isEqualTo(
            "wrote %s: 300 demonstrations, 300 prompts, 500 questions held out, 1,000 statements"
                .formatted(data));
    Rows<Demonstration> sft = DemonstrationFile.read(data.resolve("sft.jsonl"));
    assertThat(sft.notices()).isEmpty();
    assertThat(sft.rows()).hasSize(300);
    Set<String> seen = new HashSet<>();
    sft.rows().forEach(row -> seen.add(((Demonstration.Completion) row).prompt()));
    for (PromptRow row : PromptFile.read(data.resolve("prompts.jsonl")).rows()) {
      assertThat(row.answer()).isPresent();
      seen.add(((Prompt.Plain) row.prompt()).text());
    }
    Rows<PromptRow> test = PromptFile.read(data.resolve("test.jsonl"));
    assertThat(test.notices()).isEmpty();
    assertThat(test.rows())
        .hasSize(500)
        .allSatisfy(row -> {
          assertThat(seen).doesNotContain(((Prompt.Plain) row.prompt()).text());
          assertThat(row.kind().orElseThrow()).isIn("larger", "after", "last", "letters");
        });
    assertThat(Files.readAllLines(data.resolve("statements.txt"))).hasSize(1000);
  }

  @Test
  void theSameQuestionsAsMessages() throws IOException {
    assertThat(questions("--count", 5).code()).isZero();
    Path data = folder.resolve("data");
    Path chat = folder.resolve("chat");
    assertThat(CommandLineCall.of("questions", "--out", chat, "--count", 5, "--messages").code())
        .isZero();
    for (int i = 0; i < 5; i++) {
      var plain =
          (Demonstration.Completion)
              DemonstrationFile.read(data.resolve("sft.jsonl")).rows().get(i);
      var spoken =
          (Demonstration.Dialogue) DemonstrationFile.read(chat.resolve("sft.jsonl")).rows().get(i);
      assertThat(spoken.messages()).extracting(Message::role).containsExactly("user", "assistant");
      assertThat("Q: " + spoken.messages().getFirst().content() + "\nA: ")
          .isEqualTo(plain.prompt());
      assertThat(spoken.messages().getLast().content()).isEqualTo(plain.answer());
      PromptRow text = PromptFile.read(data.resolve("test.jsonl")).rows().get(i);
      PromptRow said = PromptFile.read(chat.resolve("test.jsonl")).rows().get(i);
      String question = ((Prompt.Chat) said.prompt()).messages().getFirst().content();
      assertThat(text)
          .isEqualTo(
              new PromptRow(
                  new Prompt.Plain("Q: " + question + "\nA: "), said.answer(), said.kind()));
    }
    assertThat(chat.resolve("statements.txt"))
        .hasSameTextualContentAs(data.resolve("statements.txt"));
  }

  @Test
  void theSeedDecidesAndOtherFilesAreNotOverwritten() throws IOException {
    assertThat(questions("--count", 10, "--kinds", "plus, day").code()).isZero();
    assertThat(questions("--count", 10, "--kinds", "plus, day").code()).isZero();
    CommandLineCall other = questions("--count", 10, "--kinds", "plus,day", "--seed", 2);
    assertThat(other.code()).isOne();
    assertThat(other.err().strip())
        .isEqualTo(
            "jambic: "
                + folder.resolve("data/sft.jsonl")
                + " exists with another content; remove it, or name another folder with --out");
  }

  @Test
  void mistakesAreOneSentence() {
    CommandLineCall kind = questions("--kinds", "times");
    assertThat(kind.code()).isEqualTo(2);
    assertThat(kind.err()).contains("--kinds: there are no questions of the kind 'times'");
    assertThat(questions("--count", 0).err()).contains("--count must be at least 1, not 0");
    CommandLineCall many = questions("--count", 1000, "--kinds", "day");
    assertThat(many.code()).isOne();
    assertThat(many.err()).contains("different questions to train on, not 1,000");
  }
}

package jambic.train.example;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.chat.Message;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The shapes of TRL's data sets, and what is said of others. */
class ExampleFilesTest {
  private static final Message ASK = new Message("user", "Hi?");
  private static final Message TELL = new Message("assistant", "Hello.");
  private static final String ASKED = "{'role':'user','content':'Hi?'}";
  private static final String TOLD = "{'role':'assistant','content':'Hello.'}";

  @TempDir Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("data.jsonl"), text.replace('\'', '"'));
  }

  private <T> List<T> rows(Function<Path, Rows<T>> reader, String text) throws IOException {
    Rows<T> rows = reader.apply(file(text));
    assertThat(rows.notices()).isEmpty();
    return rows.rows();
  }

  @Test
  void demonstrationsAreTextsOrConversations() throws IOException {
    assertThat(
            rows(
                DemonstrationFile::read,
                """
                {'prompt':'2+2=','completion':'4'}

                {'completion':'','prompt':'Say nothing:'}
                {'prompt':[%s],'completion':[%s]}
                {'messages':[%s,%s,%s,%s]}
                """
                    .formatted(ASKED, TOLD, ASKED, TOLD, ASKED, TOLD)))
        .containsExactly(
            new Demonstration.Completion("2+2=", "4"),
            new Demonstration.Completion("Say nothing:", ""),
            new Demonstration.Dialogue(List.of(ASK), List.of(TELL)),
            new Demonstration.Dialogue(List.of(), List.of(ASK, TELL, ASK, TELL)));
  }

  @Test
  void promptsMayHaveAnAnswerAndAKind() throws IOException {
    assertThat(
            rows(
                PromptFile::read,
                "{'prompt':'2+2=','answer':'4','kind':'plus'}\n{'prompt':[%s],'answer':null}"
                    .formatted(ASKED)))
        .containsExactly(
            new PromptRow(new Prompt.Plain("2+2="), Optional.of("4"), Optional.of("plus")),
            new PromptRow(new Prompt.Chat(List.of(ASK)), Optional.empty(), Optional.empty()));
  }

  @Test
  void preferencesOfConversationsNeedNoPrompt() throws IOException {
    String other = TOLD.replace("Hello", "Go");
    assertThat(
            rows(
                PreferenceFile::read,
                """
                {'prompt':'2+2=','chosen':'4','rejected':'5'}
                {'prompt':[%s],'chosen':[%s],'rejected':[%s]}
                {'chosen':[%s,%s],'rejected':[%s,%s]}
                {'chosen':[%s,%s],'rejected':[%s,%s]}
                """
                    .formatted(
                        ASKED, TOLD, other, ASKED, TOLD, ASKED, other, ASKED, TOLD, ASKED, TOLD)))
        .containsExactly(
            new Preference(new Prompt.Plain("2+2="), "4", "5"),
            new Preference(new Prompt.Chat(List.of(ASK)), "Hello.", "Go."),
            new Preference(new Prompt.Chat(List.of(ASK)), "Hello.", "Go."),
            new Preference(new Prompt.Chat(List.of(ASK)), "Hello.", "Hello."));
  }

  @Test
  void preferencesMayHaveMargins() throws IOException {
    String pair = "{'prompt':'2+2=','chosen':'4','rejected':'5','margin':%s}";
    assertThat(rows(PreferenceFile::read, pair.formatted("1.5") + "\n" + pair.formatted("2")))
        .extracting(Preference::margin)
        .containsExactly(1.5, 2.0);
    for (String wrong : List.of("'1'", "null", "1e999", "true")) {
      assertThatThrownBy(() -> rows(PreferenceFile::read, pair.formatted(wrong)))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("line 1: 'margin' is ")
          .hasMessageEndingWith("; give a number");
    }
    assertThatThrownBy(() -> rows(PreferenceFile::read, pair.formatted("1e39")))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("line 1: 'margin' is 1.0E39; give how far apart");
  }

  @Test
  void judgedAnswersAndLabelledTexts() throws IOException {
    assertThat(
            rows(
                JudgedFile::read,
                "{'prompt':'2+2=','completion':'4','label':true}\n{'prompt':[%s],'completion':[%s],'label':false}"
                    .formatted(ASKED, TOLD)))
        .containsExactly(
            new Judged(new Prompt.Plain("2+2="), "4", true),
            new Judged(new Prompt.Chat(List.of(ASK)), "Hello.", false));
    assertThat(rows(LabelledFile::read, "{'text':'good','label':'pos'}\n{'text':'bad','label':0}"))
        .containsExactly(new LabelledText("good", "pos"), new LabelledText("bad", "0"));
  }

  @Test
  void marksAndLineEndsAndGzipAreNoMatter() throws IOException {
    String text = "\uFEFF{\"prompt\":\"a\",\"completion\":\"b\"}\r\n\r\n";
    Path packed = folder.resolve("data.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      out.write(text.getBytes(UTF_8));
    }
    List<Demonstration> expected = List.of(new Demonstration.Completion("a", "b"));
    assertThat(DemonstrationFile.read(packed).rows()).isEqualTo(expected);
    assertThat(rows(DemonstrationFile::read, text)).isEqualTo(expected);
  }

  @Test
  void keysThatAreNotUsedAreNamedOnce() throws IOException {
    Path file =
        file(
            """
            {'prompt':'a','completion':'b','id':1,'score':NaN}
            {'prompt':'a','completion':'b','id':2}
            {'messages':[%s,{'role':'assistant','content':'Hello.','name':'x'}]}
            """
                .formatted(ASKED));
    assertThat(DemonstrationFile.read(file).notices())
        .containsExactly(
            file
                + " has keys that are not used: 'id' (2 rows), 'score' (1 row), 'name of messages'"
                + " (1 row)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'prompt':'a','completion':7}          | 'completion' is a number; give a text",
        "{'prompt':'a','completion':null}       | 'completion' is null; give a text",
        "{'prompt':'','completion':'a'}         | 'prompt' is empty; an answer needs a text to follow",
        "{'prompt':'a','completion':'\\ud800'}  | 'completion' has half of a surrogate pair (\\uD800 to \\uDFFF), which is no character; remove it",
        "{'prompt':'a','prompt':'b','completion':'c'} | an object has a key twice; keep one",
        "{'prompt':'a','completion':'b'         | this is not valid JSON",
        "'a'                                    | this is no JSON object; give one on each line (JSON Lines)",
        "{'prompt':'a','chosen':'b','rejected':'c'} | this looks like preference data (prompt, chosen, rejected); use jambic dpo or jambic reward",
        "{'prompt':'a','completion':'b','label':true} | this looks like answers judged one by one (prompt, completion, label)",
        "{'text':'a','label':'b'}               | this looks like labelled texts (text, label); use jambic classify",
        "{'text':'a'}                           | this looks like plain text without a prompt (text); use jambic train with --text-field text",
        "{'prompt':'a','answer':'b'}            | this looks like prompts without answers to learn from (prompt); use jambic ppo or jambic grpo",
        "{'question':'a','reply':'b'}           | the keys are 'question, reply'; give prompt, completion",
        "{}                                     | the keys are none; give prompt, completion",
        "{'messages':[]}                        | 'messages' has no messages",
        "{'messages':'a'}                       | 'messages' is a text; give a list of messages with role and content",
        "{'messages':[{'content':'a'}]}         | 'messages'[0] is no object with role and content",
        "{'messages':[{'role':'bot','content':'a'}]} | 'messages'[0] has the role 'bot'; there are system, user, assistant",
        "{'messages':[{'role':'user','content':[]}]} | the content of 'messages'[0] is a list; give a text",
        "{'messages':[{'role':'user'}]}         | the content of 'messages'[0] is null; give a text",
        "{'messages':[{'role':'user','content':'a'}]} | 'messages' does not end with the assistant, whose answer is learned",
        "{'messages':[{'role':'assistant','content':'','tool_calls':[1]}]} | 'messages'[0] has tool_calls, which are not supported",
        "{'prompt':[{'role':'user','content':'a'}],'completion':'b'} | 'completion' is a text, but the prompt is a conversation; give both in the same form",
        "{'prompt':'a','completion':[]}         | 'completion' is a conversation, but the prompt is a text; give both in the same form",
        "{'prompt':[{'role':'assistant','content':'a'}],'completion':[]} | 'prompt' does not end with the user, whom the assistant answers",
      })
  void noDemonstrationIsRefusedWithFileLineAndKey(String row, String complaint) throws IOException {
    Path file = file("{'prompt':'a','completion':'b'}\n" + row + "\n");
    assertThatThrownBy(() -> DemonstrationFile.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + ", line 2: " + complaint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'chosen':'b','rejected':'c'} | there is no 'prompt', which only conversations can do without; give the text that both answer",
        "{'prompt':'a','completion':'b'} | this looks like demonstrations (prompt, completion); use jambic sft",
        "{'prompt':'a','chosen':'b','rejected':3} | 'rejected' is a number; give a text",
        "{'chosen':[{'role':'user','content':'a'}],'rejected':[{'role':'user','content':'a'}]} | 'chosen' does not end with the user, whom the assistant answers",
        "{'prompt':[{'role':'user','content':'a'}],'chosen':[{'role':'user','content':'a'}],'rejected':[]} | 'chosen' adds 1 message to the prompt; it must be one, by the assistant",
      })
  void noPreferenceIsRefused(String row, String complaint) throws IOException {
    Path file = file(row);
    assertThatThrownBy(() -> PreferenceFile.read(file))
        .isInstanceOf(JambicException.class)
        .hasMessage(file + ", line 1: " + complaint);
  }

  @Test
  void otherRowsAreRefusedToo() throws IOException {
    assertThatThrownBy(() -> JudgedFile.read(file("{'prompt':'a','completion':'b','label':1}")))
        .hasMessageEndingWith("line 1: 'label' is a number; give true or false");
    assertThatThrownBy(() -> JudgedFile.read(file("{'prompt':'a','completion':'b'}")))
        .hasMessageEndingWith(
            "this looks like demonstrations (prompt, completion); use jambic sft");
    assertThatThrownBy(() -> LabelledFile.read(file("{'text':' ','label':'b'}")))
        .hasMessageEndingWith("line 1: 'text' is empty; give a text or leave the row out");
    assertThatThrownBy(() -> LabelledFile.read(file("{'text':'a','label':1.5}")))
        .hasMessageEndingWith("line 1: 'label' is a number; give a text");
    assertThatThrownBy(() -> PromptFile.read(file("{'messages':[%s]}".formatted(ASKED))))
        .hasMessageEndingWith(
            "this looks like conversations to learn from (messages); use jambic sft");
    assertThatThrownBy(() -> PromptFile.read(file("{'prompt':'a','answer':4}")))
        .hasMessageEndingWith("line 1: 'answer' is a number; give a text");
  }

  @Test
  void filesOfOtherFormatsAreRefusedWithTheWayToConvertThem() throws IOException {
    Path parquet = Files.writeString(folder.resolve("x"), "PAR1....");
    assertThatThrownBy(() -> PromptFile.read(parquet))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s is Parquet, not JSON Lines; convert it, as by pandas.read_parquet(\"%s\").to_json(\"data.jsonl\", orient=\"records\", lines=True)"
                .formatted(parquet, parquet));
    Path csv = Files.writeString(folder.resolve("x.csv"), "a,b\n");
    assertThatThrownBy(() -> PromptFile.read(csv))
        .hasMessageStartingWith(
            csv + " is CSV, not JSON Lines; convert it, as by pandas.read_csv(");
    assertThatThrownBy(() -> PromptFile.read(file("[\n{'prompt':'a'}\n]")))
        .hasMessageEndingWith(
            "line 1: this is a JSON list; give an object on each line (JSON Lines), as jq -c '.[]' writes them");
    assertThatThrownBy(() -> PromptFile.read(file(" \n")))
        .hasMessage(folder.resolve("data.jsonl") + " is empty; give a file of JSON Lines");
    assertThatThrownBy(() -> PromptFile.read(folder))
        .hasMessage(folder + " is a folder; give a file of JSON Lines");
    assertThatThrownBy(() -> PromptFile.read(folder.resolve("none")))
        .hasMessage(folder.resolve("none") + " does not exist");
    Path utf16 = Files.write(folder.resolve("y"), new byte[] {(byte) 0xFF, (byte) 0xFE, 0x7B, 0});
    assertThatThrownBy(() -> PromptFile.read(utf16))
        .hasMessage(utf16 + " is UTF-16, not UTF-8; convert the file to UTF-8 first");
  }
}

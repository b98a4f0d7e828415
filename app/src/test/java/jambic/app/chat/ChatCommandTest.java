package jambic.app.chat;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.app.CommandLineCall;
import jambic.model.chat.ChatTemplate;
import jambic.model.chat.Message;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.generate.Completion;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.InferenceEngine;
import jambic.model.generate.SamplingParams;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Initializer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.Activation;
import jambic.tensor.Backends;
import jambic.tensor.spi.Backend;
import jambic.train.example.Demonstration;
import jambic.train.example.DemonstrationFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Questions from a pipe; {@code CtrlCTest} has what a person can do besides. */
class ChatCommandTest {
  private static final ChatTemplate TEMPLATE = ChatTemplate.CHATML;
  private static final int CONTEXT = 300;
  private static final Tokenizer TOKENIZER =
      CharTokenizer.of("abcdefghijklmnopqrstuvwxyz <|_>?/\n")
          .withSpecialTokens(TEMPLATE.specialTokens());

  @TempDir static Path folder;
  private static Path chatty;
  private static Path mute;

  @BeforeAll
  static void save() {
    chatty = folder.resolve("chatty");
    mute = folder.resolve("mute");
    GptConfig config =
        new GptConfig(
            TOKENIZER.vocabSize(),
            CONTEXT,
            1,
            2,
            32,
            0,
            0,
            Activation.GELU_TANH,
            true,
            true,
            false,
            true,
            1e-5f);
    try (Backend backend = Backends.open("cpu", 1);
        Gpt model = new Gpt(backend, config, new Initializer(0.5f, true, 3))) {
      float[] bias = new float[TOKENIZER.vocabSize()];
      TOKENIZER.specialTokens().values().forEach(id -> bias[id] = -1e4f);
      bias[TEMPLATE.endToken(TOKENIZER)] = 1;
      bias[TOKENIZER.encode("\n")[0]] = -1e4f; // an answer is one line then
      model.parameters().get("lm_head.bias").set(bias);
      for (Path to : List.of(chatty, mute)) {
        Checkpoint.save(Gpt.FORMAT, to, model, Optional.of(TOKENIZER));
      }
    }
    TEMPLATE.save(chatty);
  }

  private static CommandLineCall chat(Path model, String typed, Object... flags) {
    List<Object> args = new ArrayList<>(List.of("chat", model));
    if (Arrays.stream(flags).noneMatch("--max-new-tokens=1"::equals)) {
      args.add("--max-new-tokens=9");
    }
    args.addAll(List.of(flags));
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)));
      return CommandLineCall.of(args.toArray());
    } finally {
      System.setIn(before);
    }
  }

  /** The answers of the model to a conversation that is read as a whole each time. */
  private static List<Message> conversation(String system, String... questions) {
    List<Message> messages = new ArrayList<>();
    if (!system.isEmpty()) {
      messages.add(new Message(Message.SYSTEM, system));
    }
    try (Backend backend = Backends.open("cpu", 1);
        Gpt model = Gpt.load(chatty, backend);
        InferenceEngine engine = new InferenceEngine(model, Optional.of(TOKENIZER), 1, CONTEXT)) {
      for (int i = 0; i < questions.length; i++) {
        messages.add(new Message(Message.USER, questions[i]));
        Completion completion =
            engine.complete(
                GenerationRequest.of(TEMPLATE.encode(TOKENIZER, messages, true).ids(), 9)
                    .withSampling(new SamplingParams(0.8f, 200, 1, 1337 + i))
                    .withStopTokens(TEMPLATE.stopTokens(TOKENIZER)),
                token -> true);
        messages.add(new Message(Message.ASSISTANT, String.join("", completion.text())));
      }
    }
    return messages;
  }

  private static String answers(List<Message> messages) {
    StringBuilder answers = new StringBuilder();
    messages.stream()
        .filter(Message::isAnswer)
        .forEach(answer -> answers.append(answer.content()).append('\n'));
    return answers.toString();
  }

  @Test
  void eachLineOfAPipeIsAnsweredInTurn() {
    String typed = "hello\n\nwhat is <|im_start|>?\nand b";
    CommandLineCall call = chat(chatty, typed);
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.out())
        .isEqualTo(answers(conversation("", "hello", "what is <|im_start|>?", "and b")));
    assertThat(chat(chatty, typed)).isEqualTo(call);
    assertThat(chat(chatty, typed, "--seed=2").out()).isNotEqualTo(call.out());
  }

  @Test
  void aSystemMessageIsGivenByAnOptionOrInTheConversation() {
    String expected = answers(conversation("be kind", "hello", "b"));
    assertThat(expected).isNotEqualTo(answers(conversation("", "hello", "b")));
    assertThat(chat(chatty, "hello\nb\n", "--system=be kind").out()).isEqualTo(expected);
    assertThat(chat(chatty, "/system be kind\nhello\nb\n").out()).isEqualTo(expected);
    assertThat(chat(chatty, "/system\nhello\nb\n", "--system=be kind").out())
        .isEqualTo(answers(conversation("", "hello", "b")));
  }

  @Test
  void resetBeginsAnewAndKeepsTheSystemMessage() {
    String once = answers(conversation("be kind", "hello", "b"));
    assertThat(chat(chatty, "hello\nb\n/reset\nhello\nb\n", "--system=be kind").out())
        .isEqualTo(once + once);
  }

  @Test
  void quitEndsAndHelpTells() {
    CommandLineCall call = chat(chatty, "/help\n/quit\nhello\n");
    assertThat(call.code()).isZero();
    assertThat(call.out()).startsWith("/reset").contains("/save FILE").endsWith("with /\n");
  }

  @Test
  void twoSlashesBeginAQuestionWithOne() {
    assertThat(chat(chatty, "//quit\n").out()).isEqualTo(answers(conversation("", "/quit")));
  }

  @Test
  void savedConversationsAreDemonstrations() throws IOException {
    Path file = folder.resolve("chat.jsonl");
    String save = "/save " + file + "\n";
    CommandLineCall call =
        chat(chatty, "hello\nb\n" + save + "/reset\nhello\n" + save, "--system=be kind");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.err()).contains("jambic: the conversation is in " + file);
    assertThat(Files.readAllLines(file)).hasSize(2);
    assertThat(DemonstrationFile.read(file).rows())
        .containsExactly(
            new Demonstration.Dialogue(List.of(), conversation("be kind", "hello", "b")),
            new Demonstration.Dialogue(List.of(), conversation("be kind", "hello")));
  }

  @Test
  void aFileOfSomethingElseIsNotAddedTo() throws IOException {
    Path file = Files.writeString(folder.resolve("precious"), "precious\n");
    CommandLineCall call = chat(chatty, "hello\n/save " + file + "\n");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .contains("jambic: standard input, line 2: " + file + ", line 1: this is not valid JSON");
    assertThat(file).hasContent("precious\n");
    assertThat(chat(chatty, "hello\n/save " + folder + "\n").err())
        .contains(folder + " is a folder");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/rset        | there is no command '/rset'; did you mean /reset?; /help has them all",
        "/reset now   | /reset stands alone, without 'now'",
        "/save        | /save needs a file, as in: /save chat.jsonl",
        "/save x      | there is no answer to save yet",
        "é            | the character 'é'",
        "/system é    | the character 'é'",
      })
  void whatAPipeSaysWrongIsSaidByItsLineAndTheNextIsAnswered(String line, String sentence) {
    CommandLineCall call = chat(chatty, "\n" + line + "\nhello\n");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.out()).isEqualTo(answers(conversation("", "hello")));
    assertThat(call.err())
        .startsWith("jambic: standard input, line 2: " + sentence)
        .hasLineCount(2) // the other is of the answer to the next line
        .contains("jambic: the answer was cut off");
  }

  @Test
  void aQuestionThatDoesNotFitIsRefusedByItsLine() {
    CommandLineCall call = chat(chatty, "a".repeat(CONTEXT) + "\n");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .startsWith("jambic: standard input, line 1: the question has 319 tokens")
        .hasLineCount(1);
  }

  @Test
  void whatIsForgottenIsSaid() {
    CommandLineCall call = chat(chatty, ("a".repeat(100) + "\n").repeat(3));
    assertThat(call.code()).isZero();
    assertThat(call.err())
        .contains(
            "jambic: the conversation is too long for the model; 1 question from the beginning is"
                + " forgotten");
  }

  @Test
  void anAnswerThatIsCutOffIsSaid() {
    assertThat(chat(chatty, "hello\n", "--max-new-tokens=1").err())
        .startsWith("jambic: the answer was cut off: --max-new-tokens");
  }

  @Test
  void aModelWithoutATemplateNeedsItsName() {
    CommandLineCall call = chat(mute, "hello\n");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.out()).isEmpty();
    assertThat(call.err())
        .startsWith("jambic: " + mute + " has no chat template; name with --chat-template the one")
        .contains("plain: the answer below the question")
        .hasLineCount(1);
    assertThat(chat(mute, "hello\n", "--chat-template=chatml")).isEqualTo(chat(chatty, "hello\n"));
  }

  @Test
  void aTemplateThatTheModelDoesNotKnowIsRefused() {
    CommandLineCall call = chat(chatty, "hello\n", "--chat-template=llama3");
    assertThat(call.code()).isEqualTo(1);
    assertThat(call.err())
        .startsWith("jambic: the tokenizer lacks <|begin_of_text|> and ")
        .contains("--add-special-tokens of 'jambic sft'")
        .hasLineCount(1);
    CommandLineCall wrong = chat(chatty, "hello\n", "--chat-template=chatlm");
    assertThat(wrong.code()).isEqualTo(2);
    assertThat(wrong.err()).contains("--chat-template: there is no chat template 'chatlm'");
  }

  @Test
  void sampleSaysThatAModelCanBeTalkedTo() {
    CommandLineCall call = CommandLineCall.of("sample", chatty, "--prompt=a", "-n=2");
    assertThat(call.code()).as(call.err()).isZero();
    assertThat(call.err())
        .isEqualTo(
            "jambic: the model was fine-tuned for conversations; 'jambic chat' talks to it\n");
    assertThat(CommandLineCall.of("sample", mute, "--prompt=a").err()).isEmpty();
  }
}

package jambic.model.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.generate.Completion;
import jambic.model.generate.FinishReason;
import jambic.model.generate.GeneratedToken;
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
import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A conversation reads the tokens that its template makes of it, and each of them once. */
@Timeout(60)
class ChatSessionTest {
  private static final int CONTEXT = 400;
  private static final int ANSWER = 12;
  private static final SamplingParams SAMPLING = SamplingParams.plain(3);
  private static final Tokenizer TOKENIZER =
      CharTokenizer.of("abcdefghijklmnopqrstuvwxyz <|_>?\n")
          .withSpecialTokens(
              Stream.of(ChatTemplate.values())
                  .flatMap(template -> template.specialTokens().stream())
                  .distinct()
                  .toList());

  private final Backend backend = Backends.open("auto", 2);
  private final Gpt model =
      new Gpt(
          backend,
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
              1e-5f),
          new Initializer(0.5f, true, 3));
  private final InferenceEngine engine = engine();

  @AfterEach
  void close() {
    engine.close();
    model.close();
    backend.close();
  }

  private InferenceEngine engine() {
    return new InferenceEngine(model, Optional.of(TOKENIZER), 1, CONTEXT);
  }

  private ChatSession session(ChatTemplate template) {
    return new ChatSession(engine, template, ANSWER, SAMPLING);
  }

  /** Of the special tokens the model writes only this one, and that with such a bias. */
  private void end(String token, float bias) {
    float[] biases = new float[TOKENIZER.vocabSize()];
    TOKENIZER.specialTokens().values().forEach(id -> biases[id] = -1e4f);
    biases[TOKENIZER.specialTokens().get(token)] = bias;
    model.parameters().get("lm_head.bias").set(biases);
  }

  private static void assertRead(ChatSession session, ChatTemplate template, boolean ended) {
    int[] all = template.encode(TOKENIZER, session.messages(), false).ids();
    int[] read = session.tokens();
    String answer = session.messages().getLast().content();
    if (template == ChatTemplate.LLAMA3 && !answer.equals(answer.strip())) {
      assertThat(read).isEmpty(); // the template drops what the cache holds
      return;
    }
    int rest = template == ChatTemplate.LLAMA3 ? 0 : 1; // the line's end after the answer's
    assertThat(read).isEqualTo(Arrays.copyOf(all, all.length - rest - (ended ? 0 : 1)));
  }

  /** The answer that the model gives to a conversation as a whole, by the same draws. */
  private String whole(ChatTemplate template, List<Message> messages, int number) {
    try (InferenceEngine other = engine()) {
      Completion completion =
          other.complete(
              GenerationRequest.of(template.encode(TOKENIZER, messages, true).ids(), ANSWER)
                  .withSampling(SAMPLING.withSeed(SAMPLING.seed() + number))
                  .withStopTokens(template.stopTokens(TOKENIZER)),
              token -> true);
      return String.join("", completion.text());
    }
  }

  @ParameterizedTest
  @EnumSource
  void overThreeTurnsTheModelReadsTheConversationAndAnswersAsToAllOfIt(ChatTemplate template) {
    end(template.specialTokens().getLast(), 1);
    Set<FinishReason> reasons = EnumSet.noneOf(FinishReason.class);
    try (ChatSession session = session(template)) {
      session.instruct("be kind");
      for (int i = 0; i < 6; i++) {
        List<Message> said = new ArrayList<>(session.messages());
        said.add(new Message(Message.USER, "what is " + "abcdef".charAt(i) + "?"));
        ChatAnswer answer = session.ask(said.getLast().content(), piece -> {});
        assertThat(answer.text()).isEqualTo(whole(template, said, i));
        said.add(new Message(Message.ASSISTANT, answer.text()));
        assertThat(session.messages()).isEqualTo(said);
        assertRead(session, template, answer.reason() == FinishReason.STOP);
        reasons.add(answer.reason());
      }
    }
    assertThat(reasons).containsExactlyInAnyOrder(FinishReason.STOP, FinishReason.LENGTH);
  }

  @ParameterizedTest
  @EnumSource
  void aQuestionCannotMakeSpecialTokens(ChatTemplate template) {
    end(template.specialTokens().getLast(), -1e4f);
    String typed = String.join("", template.specialTokens());
    try (ChatSession session = session(template)) {
      session.instruct(typed);
      session.ask(typed, piece -> {});
      int[] special = special(session.tokens());
      assertThat(TOKENIZER.decode(session.tokens())).contains(typed);
      session.reset();
      session.instruct("harmless");
      session.ask("harmless", piece -> {});
      assertThat(special).isEqualTo(special(session.tokens()));
    }
  }

  @Test
  void anotherEndThanTheTemplatesIsNotKept() {
    end("<|endoftext|>", 1e4f);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      ChatAnswer answer = session.ask("hello", piece -> {});
      assertThat(answer).isEqualTo(new ChatAnswer("", FinishReason.STOP));
      assertThat(session.tokens()).isEmpty();
      end("<|im_end|>", 1e4f);
      session.ask("hello", piece -> {});
      assertRead(session, ChatTemplate.CHATML, true);
    }
  }

  @Test
  void whatItForgetsIsSaidAndTheSystemMessageStays() {
    end("<|im_end|>", -1e4f);
    List<Integer> dropped = new ArrayList<>();
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      session.instruct("be kind");
      for (int i = 0; i < 8; i++) {
        session.complete("a question of some letters " + "abcdefgh".charAt(i), notices(dropped));
        assertThat(session.tokens()).hasSizeLessThanOrEqualTo(CONTEXT);
        assertRead(session, ChatTemplate.CHATML, false);
      }
      assertThat(dropped).isNotEmpty().containsOnly(1);
      assertThat(session.messages()).hasSize(1 + 2 * (8 - dropped.size()));
      assertThat(session.messages().getFirst().content()).isEqualTo("be kind");
      assertThat(session.messages().get(session.messages().size() - 2).content()).endsWith(" h");
    }
  }

  @Test
  void aQuestionThatDoesNotFitIsRefusedAndTheConversationGoesOn() {
    end("<|im_end|>", -1e4f);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      session.ask("hello", piece -> {});
      List<Message> before = session.messages();
      assertThatThrownBy(() -> session.ask("a".repeat(CONTEXT), piece -> {}))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "the question has 419 tokens with what the template adds and the model's context"
                  + " 400; shorten it");
      assertThatThrownBy(() -> session.ask("\u00e9", piece -> {}))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("is not among the");
      assertThat(session.messages()).isEqualTo(before);
      session.ask("b", piece -> {});
      assertRead(session, ChatTemplate.CHATML, false);
    }
  }

  @Test
  void aListenerEndsAnAnswerWhichStays() {
    end("<|im_end|>", -1e4f);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      ChatAnswer answer = session.complete("hello", token -> false);
      assertThat(answer.reason()).isEqualTo(FinishReason.CANCELLED);
      assertThat(answer.text()).hasSize(1);
      session.ask("b", piece -> {});
      assertThat(session.messages()).hasSize(4);
      assertRead(session, ChatTemplate.CHATML, false);
    }
  }

  @Test
  void aListenerThatFailsLeavesTheConversationAsItWas() {
    end("<|im_end|>", -1e4f);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      session.ask("hello", piece -> {});
      List<Message> before = session.messages();
      assertThatThrownBy(() ->
              session.complete(
                  "b",
                  token -> {
                    throw new IllegalStateException("full");
                  }))
          .hasMessage("full");
      assertThat(session.messages()).isEqualTo(before);
      session.ask("c", piece -> {});
      assertRead(session, ChatTemplate.CHATML, false);
    }
  }

  @Test
  void aConversationBegunAnewIsAnsweredTheSame() {
    end("<|im_end|>", 1);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      ChatAnswer first = session.ask("hello", piece -> {});
      session.ask("b", piece -> {});
      session.reset();
      assertThat(session.messages()).isEmpty();
      assertThat(session.ask("hello", piece -> {})).isEqualTo(first);
    }
  }

  @Test
  void anotherSystemMessageReplacesTheFirst() {
    end("<|im_end|>", 1);
    try (ChatSession session = session(ChatTemplate.CHATML)) {
      session.instruct("be kind");
      session.ask("hello", piece -> {});
      session.instruct("be brief");
      session.ask("b", piece -> {});
      assertThat(session.messages().getFirst()).isEqualTo(new Message(Message.SYSTEM, "be brief"));
      assertThat(session.messages()).hasSize(5);
      assertThat(TOKENIZER.decode(session.tokens())).startsWith("<|im_start|>system\nbe brief");
      session.instruct(" ");
      assertThat(session.messages()).hasSize(4);
    }
  }

  @Test
  void aTokenizerWithoutTheTemplatesTokensIsRefused() {
    Tokenizer letters = CharTokenizer.of("abc");
    try (InferenceEngine other = new InferenceEngine(model, Optional.of(letters), 1, CONTEXT)) {
      assertThatThrownBy(() -> new ChatSession(other, ChatTemplate.CHATML, ANSWER, SAMPLING))
          .isInstanceOf(JambicException.class)
          .hasMessageContaining("lacks <|im_start|> and <|im_end|>");
    }
  }

  private static int[] special(int[] ids) {
    return Arrays.stream(ids).filter(TOKENIZER.specialTokens().values()::contains).toArray();
  }

  private static Completion.Listener notices(List<Integer> dropped) {
    return new Completion.Listener() {
      @Override
      public boolean onToken(GeneratedToken token) {
        return true;
      }

      @Override
      public void onTurnsDropped(int count) {
        dropped.add(count);
      }
    };
  }
}

package jambic.train.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.chat.ChatTemplate;
import jambic.model.chat.Message;
import jambic.model.text.BpeTokenizer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.TokenDecoder;
import jambic.model.text.TokenEncoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExampleEncoderTest {
  private static final int END = 50256;
  private static final int START = 50257;
  private static final int OVER = 50258;
  private static final Message ASK = new Message("user", "2+2?");
  private static final Message TELL = new Message("assistant", "4");
  private static final Prompt PROMPT = new Prompt.Plain("Q: 2+2\nA:");

  private final Tokenizer tokenizer = BpeTokenizer.gpt2();
  private final AnswerEncoder encoder = new AnswerEncoder(tokenizer, Optional.empty(), END);

  /** GPT-2's tokens and ChatML's. */
  private record ChatTokens(Tokenizer gpt2) implements Tokenizer {
    @Override
    public int[] encode(String text) {
      return gpt2.encode(text);
    }

    @Override
    public TokenEncoder encoder() {
      return gpt2.encoder();
    }

    @Override
    public String decode(int... ids) {
      return gpt2.decode(ids);
    }

    @Override
    public TokenDecoder decoder() {
      return gpt2.decoder();
    }

    @Override
    public int vocabSize() {
      return gpt2.vocabSize() + 2;
    }

    @Override
    public Map<String, Integer> specialTokens() {
      return Map.of("<|endoftext|>", END, "<|im_start|>", START, "<|im_end|>", OVER);
    }

    @Override
    public void save(Path folder) {}
  }

  private static Demonstration demonstration(String prompt, String answer) {
    return new Demonstration.Completion(prompt, answer);
  }

  @Test
  void promptAndAnswerAreTokenizedApartAndTheEndIsLearned() {
    TokenExample example = encoder.example(demonstration("un", "believable"));
    assertThat(tokenizer.encode("unbelievable")).isEqualTo(new int[] {403, 6667, 11203, 540});
    assertThat(example.ids()).isEqualTo(new int[] {403, 6667, 11203, 540, END});
    assertThat(encoder.example(demonstration("unb", "elievable")).ids())
        .startsWith(encoder.prompt(new Prompt.Plain("unb")))
        .endsWith(encoder.answer("elievable"))
        .hasSize(
            encoder.prompt(new Prompt.Plain("unb")).length + encoder.answer("elievable").length);
    assertThat(example.learned()).isEqualTo(new boolean[] {false, true, true, true, true});
  }

  @Test
  void anEmptyAnswerIsItsEndAndNoEndComesTwice() {
    assertThat(encoder.answer("")).isEqualTo(new int[] {END});
    assertThat(encoder.answer("4<|endoftext|>")).isEqualTo(new int[] {19, END});
    assertThat(encoder.answer("<|endoftext|>")).isEqualTo(new int[] {END});
  }

  @Test
  void theEndsTextAmidAnAnswerIsText() {
    assertThat(encoder.answer("a<|endoftext|>b")).containsOnlyOnce(END).endsWith(END);
    assertThat(encoder.prompt(new Prompt.Plain("a<|endoftext|>"))).doesNotContain(END);
  }

  private AnswerEncoder chat() {
    return new AnswerEncoder(new ChatTokens(tokenizer), Optional.of(ChatTemplate.CHATML), END);
  }

  @Test
  void allThatTheAssistantSaysInAConversationIsLearnedWithItsEnds() {
    TokenExample example =
        chat().example(new Demonstration.Dialogue(List.of(), List.of(ASK, TELL, ASK, TELL)));
    assertThat(learned(example)).containsExactly(19, OVER, 19, OVER);
    assertThat(example.ids()).startsWith(START).endsWith(19, OVER);
    assertThat(example.targets()).isEqualTo(4);
  }

  @Test
  void ofACompletionOnlyTheCompletionIsLearned() {
    TokenExample example =
        chat().example(new Demonstration.Dialogue(List.of(ASK, TELL, ASK), List.of(TELL)));
    assertThat(learned(example)).containsExactly(19, OVER);
    TokenExample all =
        chat().example(new Demonstration.Dialogue(List.of(), List.of(ASK, TELL, ASK, TELL)));
    assertThat(example.ids()).isEqualTo(all.ids());
  }

  @Test
  void anAnswerToAConversationFollowsWhatTheModelIsAsked() {
    Prompt prompt = new Prompt.Chat(List.of(ASK));
    assertThat(chat().answer(prompt, "4")).isEqualTo(new int[] {19, OVER});
    assertThat(chat().answer(prompt, "4<|im_end|>")).isEqualTo(new int[] {19, OVER});
    assertThat(chat().answer(prompt, "")).isEqualTo(new int[] {OVER});
    assertThat(chat().end(prompt)).isEqualTo(OVER);
    assertThat(chat().end(PROMPT)).isEqualTo(END);
    int[] asked = chat().prompt(prompt);
    assertThat(chat().example(new Demonstration.Dialogue(List.of(ASK), List.of(TELL))).ids())
        .startsWith(asked)
        .hasSize(asked.length + 2);
  }

  @Test
  void conversationsNeedATemplateWhoseTokensAreThere() {
    assertThatThrownBy(() -> encoder.prompt(new Prompt.Chat(List.of(ASK))))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the data has conversations, but the model has no chat template; name one with"
                + " ChatTemplate.named, such as chatml");
    assertThatThrownBy(() -> new AnswerEncoder(tokenizer, Optional.of(ChatTemplate.CHATML), END))
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("lacks <|im_start|> and <|im_end|>");
  }

  private static List<Integer> learned(TokenExample example) {
    return IntStream.range(0, example.ids().length)
        .filter(i -> example.learned()[i])
        .mapToObj(i -> example.ids()[i])
        .toList();
  }

  @Test
  void aVocabularyWithoutAnEndIsRefused() {
    assertThat(AnswerEncoder.requireEnd(tokenizer)).isEqualTo(END);
    assertThatThrownBy(() -> AnswerEncoder.requireEnd(CharTokenizer.of("abc")))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the vocabulary has no token that ends a text, so that answers would never end; add"
                + " <|endoftext|> with Tokenizer.withSpecialTokens");
  }

  @Test
  void whatDoesNotFitIsDroppedAndCountedNeverCut() {
    List<Demonstration> rows =
        List.of(
            demonstration("a b c", "d"), // 3 + 1 + 1
            demonstration("a b c d", ""), // 4 + 0 + 1
            demonstration("a b c", "d e"), // 3 + 2 + 1
            demonstration("a b c d e", "f"));
    Encoded<TokenExample> encoded = ExampleEncoder.examples(encoder, rows, 5);
    assertThat(encoded.examples())
        .extracting(example -> example.ids().length)
        .containsExactly(5, 5);
    assertThat(encoded.dropped()).isEqualTo(new Dropped(4, 5, 1, 1, 0, 1, 0));
    assertThat(encoded.dropped().sentence())
        .contains(
            "2 of 4 rows are left out: the prompt of 1 leaves no room for an answer in 5 tokens,"
                + " the answer of 1 does not fit into 5 tokens");
    assertThat(encoded.dropped().warnings())
        .containsExactly("1 of 4 answers are empty; the model learns to end them at once");
    assertThat(ExampleEncoder.examples(encoder, rows, 7).dropped().sentence()).isEmpty();
    assertThatThrownBy(() -> ExampleEncoder.examples(encoder, rows, 4))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "no row is left of 4 rows: the prompt of 2 leaves no room for an answer in 4 tokens,"
                + " the answer of 2 does not fit into 4 tokens; use shorter texts or a larger"
                + " context");
  }

  @Test
  void fewEmptyAnswersAreNotWarnedOf() {
    assertThat(new Dropped(1000, 9, 0, 0, 0, 9, 0).warnings()).isEmpty();
    assertThat(new Dropped(1000, 9, 0, 0, 0, 10, 0).warnings()).hasSize(1);
  }

  @Test
  void equalPairsAreDroppedAndOppositeOnesCounted() {
    List<Preference> rows =
        List.of(
            new Preference(PROMPT, " 4", " 5"),
            new Preference(PROMPT, " 5", " 4"),
            new Preference(PROMPT, " 4", " 4<|endoftext|>"),
            new Preference(PROMPT, " 4", ""));
    Encoded<TokenPair> encoded = ExampleEncoder.pairs(encoder, rows, 100);
    assertThat(encoded.examples()).hasSize(3);
    assertThat(encoded.examples().getFirst().chosen()).isEqualTo(new int[] {604, END});
    assertThat(encoded.dropped()).isEqualTo(new Dropped(4, 100, 0, 0, 1, 1, 2));
    assertThat(encoded.dropped().warnings())
        .contains(
            "2 of 4 pairs are contradicted: the same answers are there with the other one chosen");
    assertThatThrownBy(() -> ExampleEncoder.pairs(encoder, rows.subList(2, 3), 100))
        .hasMessage("no row is left of 1 row: both answers of 1 are equal; give pairs that differ");
  }

  @Test
  void judgedAnswersAndPromptsAreCountedAlike() {
    Judged good = new Judged(PROMPT, " 4", true);
    int prompt = encoder.prompt(PROMPT).length;
    assertThat(ExampleEncoder.judged(encoder, List.of(good), prompt + 2).examples())
        .singleElement()
        .satisfies(judged -> {
          assertThat(judged.answer()).isEqualTo(new int[] {604, END});
          assertThat(judged.good()).isTrue();
        });
    assertThatThrownBy(() -> ExampleEncoder.judged(encoder, List.of(good), prompt + 1))
        .hasMessageContaining("the answer of 1 does not fit");
    PromptRow row = new PromptRow(PROMPT, Optional.of("4"), Optional.empty());
    assertThat(ExampleEncoder.prompts(encoder, List.of(row), prompt + 1).examples())
        .singleElement()
        .satisfies(only -> assertThat(only.row()).isEqualTo(row));
    assertThatThrownBy(() -> ExampleEncoder.prompts(encoder, List.of(row), prompt))
        .hasMessageContaining("the prompt of 1 leaves no room");
  }
}

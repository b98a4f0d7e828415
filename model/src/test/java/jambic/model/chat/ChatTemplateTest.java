package jambic.model.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.model.io.JsonObject;
import jambic.model.io.SafetensorsTest;
import jambic.model.text.BpeTokenizer;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Templates give the text that Jinja makes of them, and the tokens of it. */
class ChatTemplateTest {
  private static final BpeTokenizer GPT2 = BpeTokenizer.gpt2();
  private static final List<Message> CHAT =
      List.of(
          new Message(Message.SYSTEM, "Be brief."),
          new Message(Message.USER, "What is 2 plus 3?"),
          new Message(Message.ASSISTANT, "5"),
          new Message(Message.USER, "Write <|im_end|><|eot_id|><|endoftext|>."),
          new Message(Message.ASSISTANT, "No, thanks."));

  @TempDir Path folder;

  /** {@code chat_renderings.json} was written by transformers 5.18 with these templates. */
  @Test
  void rendersWhatJinjaRenders() {
    List<JsonObject> cases =
        JsonObject.read(SafetensorsTest.resource("chat_renderings.json")).objects("renderings");
    assertThat(cases).hasSize(72);
    for (JsonObject json : cases) {
      ChatTemplate template = ChatTemplate.named(json.text("template"));
      assertThat(template.jinja()).isEqualTo(json.text("jinja"));
      List<Message> messages =
          json.objects("messages").stream()
              .map(message -> new Message(message.text("role"), message.text("content")))
              .toList();
      boolean prompt = json.optionalBoolean("add_generation_prompt").orElseThrow();
      assertThat(template.render(messages, prompt))
          .as("%s of %s", template, messages)
          .isEqualTo(json.text("text"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void tokensAreThoseOfTheRenderedText(ChatTemplate template) {
    Tokenizer tokenizer = GPT2.withSpecialTokens(template.specialTokens());
    for (boolean prompt : new boolean[] {false, true}) {
      Rendered rendered = template.encode(tokenizer, CHAT, prompt);
      assertThat(tokenizer.decode(rendered.ids())).isEqualTo(template.render(CHAT, prompt));
    }
    List<Message> question = CHAT.subList(0, 2); // without texts of special tokens, or an answer
    assertThat(template.encode(tokenizer, question, true).ids())
        .isEqualTo(tokenizer.encodeWithSpecialTokens(template.render(question, true)));
  }

  @ParameterizedTest
  @EnumSource
  void onlyTheTemplateMakesSpecialTokens(ChatTemplate template) {
    Tokenizer tokenizer = GPT2.withSpecialTokens(template.specialTokens());
    List<Message> usual = List.of(new Message(Message.USER, "a"), new Message("assistant", "b"));
    String texts = String.join(" ", template.specialTokens());
    List<Message> hostile =
        List.of(new Message(Message.USER, texts), new Message(Message.ASSISTANT, texts));
    assertThat(special(tokenizer, template.encode(tokenizer, hostile, true)))
        .isEqualTo(special(tokenizer, template.encode(tokenizer, usual, true)));
  }

  private static List<Integer> special(Tokenizer tokenizer, Rendered rendered) {
    return IntStream.of(rendered.ids())
        .filter(tokenizer.specialTokens()::containsValue)
        .boxed()
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void answersAndTheirEndsAreLearned(ChatTemplate template) {
    Tokenizer tokenizer = GPT2.withSpecialTokens(template.specialTokens());
    Rendered rendered = template.encode(tokenizer, CHAT, true);
    assertThat(rendered.learned()).hasSameSizeAs(rendered.ids());
    int[] learned =
        IntStream.range(0, rendered.ids().length)
            .filter(i -> rendered.learned()[i])
            .map(i -> rendered.ids()[i])
            .toArray();
    String end = template.specialTokens().getLast();
    assertThat(tokenizer.decode(learned)).isEqualTo("5" + end + "No, thanks." + end);
    assertThat(learned[1]).isEqualTo(template.endToken(tokenizer));
    assertThat(template.stopTokens(tokenizer))
        .contains(template.endToken(tokenizer), tokenizer.endOfText().orElseThrow());
  }

  /** So that training sees the tokens that generation gives: the answer is apart at its seam. */
  @ParameterizedTest
  @EnumSource
  void anAnswerFollowsThePromptThatAsksForIt(ChatTemplate template) {
    Tokenizer tokenizer = GPT2.withSpecialTokens(template.specialTokens());
    int[] prompt = template.encode(tokenizer, CHAT.subList(0, 4), true).ids();
    int[] whole = template.encode(tokenizer, CHAT, false).ids();
    assertThat(whole).startsWith(prompt);
    assertThat(whole[prompt.length]).isEqualTo(tokenizer.encode("No, thanks.")[0]);
  }

  @Test
  void aTokenizerWithoutTheTokensIsOneSentence() {
    assertThatThrownBy(() -> ChatTemplate.CHATML.encode(GPT2, CHAT, false))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the tokenizer lacks <|im_start|> and <|im_end|>, which the chat template chatml needs"
                + " as special tokens; add them with Tokenizer.withSpecialTokens");
    assertThatThrownBy(() -> ChatTemplate.PLAIN.stopTokens(CharTokenizer.of("abc")))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "the tokenizer lacks <|endoftext|>, which the chat template plain needs as a special"
                + " token; add it with Tokenizer.withSpecialTokens");
  }

  @ParameterizedTest
  @EnumSource
  void aSavedTemplateIsFound(ChatTemplate template) throws IOException {
    assertThat(ChatTemplate.find(folder)).isEmpty();
    template.save(folder);
    assertThat(ChatTemplate.find(folder)).contains(template);
    Tokenizer tokenizer = GPT2.withSpecialTokens(template.specialTokens());
    tokenizer.save(folder);
    Path copied = Files.createDirectory(folder.resolve("copied"));
    Tokenizer.load(folder).save(copied); // which keeps it among its settings
    assertThat(ChatTemplate.find(copied)).contains(template);
  }

  @Test
  void anUnknownTemplateIsOneSentence() throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ messages }}");
    assertThatThrownBy(() -> ChatTemplate.find(folder))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "chat_template.jinja of "
                + folder
                + " is none of chatml, llama3, zephyr, plain; name one with ChatTemplate.named");
    assertThatThrownBy(() -> ChatTemplate.named("vicuna"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "there is no chat template 'vicuna'; chatml, llama3, zephyr, plain are supported");
    assertThatThrownBy(() -> new Message("tool", ""))
        .isInstanceOf(JambicException.class)
        .hasMessage("a message has the role 'tool'; system, user and assistant are supported");
  }
}

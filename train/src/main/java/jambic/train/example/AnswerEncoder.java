package jambic.train.example;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.chat.ChatTemplate;
import jambic.model.chat.Message;
import jambic.model.chat.Rendered;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Turns rows into tokens. A prompt and its answer are tokenized apart, so that the prompt has the
 * same tokens when the model is asked as when it learned; no token lies across the two. An answer
 * ends with the token that ends a text, or a message of the chat template, exactly once, and that
 * end is learned.
 *
 * <p>The texts of special tokens are text like any other, but for the end's own text at the very
 * end of an answer, which is that end.
 */
public final class AnswerEncoder {
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final int eos;
  private final String endText;

  /**
   * An encoder for a model.
   *
   * @param tokenizer the model's
   * @param template how conversations are written; without it, there must be none
   * @param eos the token that ends an answer to a text
   * @throws JambicException if the tokenizer lacks a special token of the template
   */
  public AnswerEncoder(Tokenizer tokenizer, Optional<ChatTemplate> template, int eos) {
    template.ifPresent(chat -> chat.requireTokens(tokenizer));
    this.tokenizer = tokenizer;
    this.template = template;
    this.eos = eos;
    this.endText =
        tokenizer.specialTokens().entrySet().stream()
            .filter(token -> token.getValue() == eos)
            .map(Map.Entry::getKey)
            .findFirst()
            .orElse("");
  }

  /**
   * The token that ends a text.
   *
   * @param tokenizer the model's
   * @return its id
   * @throws JambicException if the vocabulary has none
   */
  public static int requireEnd(Tokenizer tokenizer) {
    OptionalInt end = tokenizer.endOfText();
    return end.orElseThrow(() ->
        new ConfigException(
            "the vocabulary has no token that ends a text, so that answers would never end; add <|endoftext|> with %s",
            new Name("addSpecialTokens", "Tokenizer.withSpecialTokens")));
  }

  /**
   * The token that ends the answer to a prompt.
   *
   * @param prompt the prompt
   * @return its id
   */
  public int end(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Plain plain -> eos;
      case Prompt.Chat chat -> template().endToken(tokenizer);
    };
  }

  /**
   * Encodes a prompt, with what the tokenizer puts before one.
   *
   * @param prompt the prompt
   * @return its tokens
   */
  public int[] prompt(Prompt prompt) {
    return switch (prompt) {
      case Prompt.Plain plain -> prompt(plain.text());
      case Prompt.Chat chat -> template().encode(tokenizer, chat.messages(), true).ids();
    };
  }

  private int[] prompt(String text) {
    return concat(tokenizer.promptBegin(), tokenizer.encode(text));
  }

  private ChatTemplate template() {
    return template.orElseThrow(() ->
        new ConfigException(
            "the data has conversations, but the model has no chat template; name one with %s, such as chatml",
            new Name("chatTemplate", "ChatTemplate.named")));
  }

  /**
   * Encodes an answer to a plain prompt.
   *
   * @param text the answer, which may be empty
   * @return its tokens, the last of which ends it
   */
  public int[] answer(String text) {
    String words = withoutEnd(text, endText);
    int[] ids = words.isEmpty() ? new int[0] : tokenizer.encode(words);
    boolean whole = ids.length > 0 && ids[ids.length - 1] == eos;
    return whole ? ids : concat(ids, new int[] {eos});
  }

  private static String withoutEnd(String text, String end) {
    boolean ended = !end.isEmpty() && text.endsWith(end);
    return ended ? text.substring(0, text.length() - end.length()) : text;
  }

  /**
   * Encodes an answer to a prompt.
   *
   * @param prompt the prompt
   * @param answer the answer, which may be empty
   * @return the answer's tokens, the last of which ends it
   */
  public int[] answer(Prompt prompt, String answer) {
    return switch (prompt) {
      case Prompt.Plain plain -> answer(answer);
      case Prompt.Chat chat -> {
        TokenExample example =
            dialogue(chat.messages(), List.of(new Message(Message.ASSISTANT, answer)));
        yield Arrays.copyOfRange(example.ids(), prompt(prompt).length, example.ids().length);
      }
    };
  }

  /**
   * Encodes a demonstration.
   *
   * @param demonstration the demonstration
   * @return its tokens, of which the answers are learned
   */
  public TokenExample example(Demonstration demonstration) {
    return switch (demonstration) {
      case Demonstration.Completion(String prompt, String answer) ->
          TokenExample.of(prompt(prompt), answer(answer));
      case Demonstration.Dialogue(List<Message> context, List<Message> messages) ->
          dialogue(context, messages);
    };
  }

  /** What follows the last answer is left out, and what precedes the first new one not learned. */
  private TokenExample dialogue(List<Message> context, List<Message> messages) {
    List<Message> all = new ArrayList<>(context);
    messages.forEach(message -> all.add(withoutEnd(message)));
    Rendered whole = template().encode(tokenizer, all, false);
    boolean[] learned = whole.learned().clone();
    if (!context.isEmpty()) {
      int begin = template().encode(tokenizer, context, true).ids().length;
      Arrays.fill(learned, 0, begin, false);
    }
    int length = learned.length;
    while (length > 1 && !learned[length - 1]) {
      length--;
    }
    return new TokenExample(Arrays.copyOf(whole.ids(), length), Arrays.copyOf(learned, length));
  }

  private Message withoutEnd(Message message) {
    String end = template().specialTokens().getLast();
    return message.isAnswer()
        ? new Message(Message.ASSISTANT, withoutEnd(message.content(), end))
        : message;
  }

  private static int[] concat(int[] first, int[] second) {
    return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
  }
}

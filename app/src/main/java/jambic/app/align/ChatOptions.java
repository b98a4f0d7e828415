package jambic.app.align;

import jambic.model.chat.ChatTemplate;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How conversations are written, and what the vocabulary needs for that. */
final class ChatOptions {
  static final String TEMPLATE = "chat-template";
  static final String TOKENS = "add-special-tokens";

  @Option(
      names = "--chat-template",
      paramLabel = "NAME",
      description = {
        "How conversations are written: chatml, llama3, zephyr or plain. The vocabulary gets the"
            + " template's special tokens. Default: the model's own."
      })
  private Optional<String> template = Optional.empty();

  @Option(
      names = "--add-special-tokens",
      paramLabel = "TOKEN",
      split = ",",
      description = {
        "Special tokens to add to the vocabulary, as <|endoftext|>,<|pad|>: each gets a row in the"
            + " model, the mean of all others. Default: none."
      })
  private List<String> tokens = List.of();

  /** The template that was named, or the model's own. */
  Optional<ChatTemplate> template(StageSession<?> session, Path model) {
    return session
        .chosen(TEMPLATE, template)
        .map(ChatTemplate::named)
        .or(() -> ChatTemplate.find(model));
  }

  boolean isNamed(StageSession<?> session) {
    return session.chosen(TEMPLATE, template).isPresent();
  }

  /** The special tokens to add. */
  List<String> specialTokens(StageSession<?> session) {
    return session
        .chosen(TOKENS, tokens.isEmpty() ? Optional.empty() : Optional.of(String.join(",", tokens)))
        .map(names -> List.of(names.split(",")))
        .orElse(List.of());
  }
}

package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/** The JSON of answers, whole or in chunks: OpenAI's field for field. */
final class AnswerShape {
  private final String model;
  private final boolean chat;
  private final boolean includeUsage;
  private final int promptTokens;
  private final String id;
  private final long created = System.currentTimeMillis() / 1000;

  /**
   * Of a request.
   *
   * @param model who answers
   * @param chat whether it is a conversation
   * @param includeUsage whether a last event says how many tokens it took
   * @param promptTokens how many it took to ask
   */
  AnswerShape(String model, boolean chat, boolean includeUsage, int promptTokens) {
    this.model = model;
    this.chat = chat;
    this.includeUsage = includeUsage;
    this.promptTokens = promptTokens;
    String number = UUID.randomUUID().toString().replace("-", "");
    id = (chat ? "chatcmpl-" : "cmpl-") + number;
  }

  String id() {
    return id;
  }

  boolean tellsUsage() {
    return includeUsage;
  }

  /** The first chunk of a choice of a conversation: readers need to know who speaks. */
  Map<String, Object> role(int choice) {
    Map<String, Object> delta = new LinkedHashMap<>();
    delta.put("role", "assistant");
    delta.put("content", "");
    return chunk(choice(choice, "delta", delta, Optional.empty(), Optional.empty()));
  }

  /** A chunk with some text. */
  Map<String, Object> piece(
      int choice, String text, Optional<Map<String, Object>> probs, Optional<FinishReason> end) {
    Map<String, Object> delta = new LinkedHashMap<>();
    if (!text.isEmpty() || end.isEmpty()) {
      delta.put("content", text);
    }
    return chunk(
        chat
            ? choice(choice, "delta", delta, probs, end)
            : choice(choice, "text", text, probs, end));
  }

  private Map<String, Object> chunk(Map<String, Object> choice) {
    Map<String, Object> fields = head(chat ? "chat.completion.chunk" : "text_completion");
    fields.put("choices", List.of(choice));
    if (includeUsage) {
      fields.put("usage", null);
    }
    return fields;
  }

  /** The chunk that says how many tokens it took. */
  Map<String, Object> usageChunk(int completionTokens) {
    Map<String, Object> fields = head(chat ? "chat.completion.chunk" : "text_completion");
    fields.put("choices", List.of());
    fields.put("usage", usage(completionTokens));
    return fields;
  }

  /** A whole answer. */
  Map<String, Object> whole(List<Map<String, Object>> choices, int completionTokens) {
    Map<String, Object> fields = head(chat ? "chat.completion" : "text_completion");
    fields.put("choices", choices);
    fields.put("usage", usage(completionTokens));
    return fields;
  }

  /** A choice of a whole answer. */
  Map<String, Object> choice(
      int choice, String text, Optional<Map<String, Object>> probs, FinishReason end) {
    if (!chat) {
      return choice(choice, "text", text, probs, Optional.of(end));
    }
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", "assistant");
    message.put("content", text);
    message.put("refusal", null);
    return choice(choice, "message", message, probs, Optional.of(end));
  }

  private static Map<String, Object> choice(
      int index,
      String name,
      Object content,
      Optional<Map<String, Object>> probs,
      Optional<FinishReason> end) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("index", index);
    fields.put(name, content);
    fields.put("logprobs", probs.orElse(null));
    fields.put("finish_reason", end.map(AnswerShape::word).orElse(null));
    return fields;
  }

  private static String word(FinishReason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  private Map<String, Object> head(String object) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("id", id);
    fields.put("object", object);
    fields.put("created", created);
    fields.put("model", model);
    return fields;
  }

  private Map<String, Object> usage(int completionTokens) {
    Map<String, Object> usage = new LinkedHashMap<>();
    usage.put("prompt_tokens", promptTokens);
    usage.put("completion_tokens", completionTokens);
    usage.put("total_tokens", promptTokens + completionTokens);
    return usage;
  }
}

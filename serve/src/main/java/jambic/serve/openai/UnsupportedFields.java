package jambic.serve.openai;

import jambic.serve.http.HttpError;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Fields that would change an answer and cannot be obeyed: those of OpenAI, and those of vLLM and
 * llama.cpp, whose clients send them here. What is unknown to all of them is harmless.
 */
final class UnsupportedFields {
  /** Answers to a prompt. */
  static final int MOST_CHOICES = 64;

  private static final List<Object> NOTHING = List.of("", false, 0, List.of(), Map.of());

  /** Fields that nothing obeys, each fine with a value that asks for nothing. */
  private static final List<String> REFUSED =
      List.of(
          "suffix",
          "audio",
          "prediction",
          "web_search_options",
          "reasoning_effort",
          "verbosity",
          "grammar",
          "json_schema",
          "structured_outputs",
          "guided_json",
          "guided_regex",
          "guided_choice",
          "guided_grammar",
          "min_p",
          "min_tokens",
          "min_keep",
          "ignore_eos",
          "stop_token_ids",
          "bad_words",
          "allowed_token_ids",
          "use_beam_search",
          "prompt_logprobs",
          "truncate_prompt_tokens",
          "logits_processors",
          "mirostat",
          "dry_multiplier",
          "xtc_probability",
          "dynatemp_range",
          "chat_template",
          "continue_final_message",
          "return_token_ids",
          "prompt_embeds");

  private static final List<String> OF_CONVERSATIONS = List.of("messages", "top_logprobs");
  private static final List<String> OF_COMPLETIONS = List.of("prompt", "echo");

  private UnsupportedFields() {}

  /** Refuses the first of them by its name. */
  static void refuse(Fields fields, boolean chat) {
    for (String name : List.of("tools", "functions")) {
      if (!fields.list(name).orElse(List.of()).isEmpty()) {
        throw HttpError.ofField(name, "'" + name + "' are not supported: the model writes text");
      }
    }
    for (String name : REFUSED) {
      if (asksFor(fields, name)) {
        throw HttpError.ofField(name, "'" + name + "' is not supported; leave it out");
      }
    }
    requireText(fields);
    OptionalInt bestOf = fields.integer("best_of", 1, MOST_CHOICES);
    if (bestOf.isPresent() && bestOf.getAsInt() != fields.integer("n", 1, MOST_CHOICES).orElse(1)) {
      throw HttpError.ofField("best_of", "'best_of' other than n is not supported");
    }
    for (String name : chat ? OF_COMPLETIONS : OF_CONVERSATIONS) {
      if (asksFor(fields, name)) {
        throw HttpError.ofField(name, elsewhere(name, chat));
      }
    }
  }

  private static String elsewhere(String name, boolean chat) {
    return "'"
        + name
        + "' is a field of "
        + (chat ? "/v1/completions" : "/v1/chat/completions")
        + (name.equals("top_logprobs") ? "; here 'logprobs' is their number" : "");
  }

  private static void requireText(Fields fields) {
    Optional<String> format = fields.object("response_format").flatMap(o -> o.text("type"));
    if (fields.value("response_format").isPresent() && !format.equals(Optional.of("text"))) {
      throw HttpError.ofField("response_format", "'response_format' can only be text");
    }
    List<?> modalities = fields.list("modalities").orElse(List.of("text"));
    if (!modalities.equals(List.of("text"))) {
      throw HttpError.ofField("modalities", "'modalities' can only be text");
    }
  }

  /** Whether a field is there with a value that would change something. */
  static boolean asksFor(Fields fields, String name) {
    Optional<Object> value = fields.value(name);
    return value.isPresent()
        && !NOTHING.contains(value.get())
        && !(value.get() instanceof Number number && number.doubleValue() == 0);
  }
}

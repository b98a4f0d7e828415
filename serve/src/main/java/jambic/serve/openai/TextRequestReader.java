package jambic.serve.openai;

import jambic.model.chat.ChatTemplate;
import jambic.model.generate.GenerationRequest;
import jambic.model.generate.SamplingParams;
import jambic.serve.http.HttpError;
import jambic.serve.model.ModelHost;
import jambic.serve.model.ServedModel;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Reads the fields that completions and conversations have in common, and those of either. */
final class TextRequestReader {
  private static final int MOST_CHOICES = 64;
  private static final int MOST_STOPS = 16;
  private static final int MOST_LOGPROBS = 20;
  private static final int COMPLETION_TOKENS = 16; // OpenAI's default

  private final Fields fields;
  private final ModelHost host;
  private final ServedModel served;
  private final boolean chat;

  private TextRequestReader(Fields fields, ModelHost host, boolean chat) {
    this.fields = fields;
    this.host = host;
    this.served = host.served();
    this.chat = chat;
  }

  static TextRequest read(Fields fields, ModelHost host, boolean chat) {
    return new TextRequestReader(fields, host, chat).read();
  }

  private TextRequest read() {
    refuseUnsupported();
    Set<Integer> chatEnds = chat ? template().stopTokens(served.tokenizer()) : Set.of();
    List<int[]> prompts = chat ? List.of(conversation()) : new Prompts(served, "prompt").of(fields);
    prompts.forEach(this::requireRoom);
    int n = fields.integer("n", 1, MOST_CHOICES).orElse(1);
    OptionalInt logProbs = logProbs();
    boolean echo = !chat && fields.flag("echo");
    Set<Integer> ends = new HashSet<>(chatEnds);
    ends.addAll(served.endTokens());
    List<GenerationRequest> requests = new ArrayList<>();
    SamplingParams sampling = SamplingFields.of(fields, served);
    List<String> stop = stop();
    for (int[] prompt : prompts) {
      GenerationRequest request =
          GenerationRequest.of(prompt, maxTokens(prompt.length))
              .withStop(stop)
              .withStopTokens(ends)
              .withIgnoreEos(true); // they are among the above
      if (logProbs.isPresent()) {
        request = request.withLogProbs(logProbs.getAsInt());
        request = echo ? request.withPromptLogProbs(logProbs.getAsInt()) : request;
      }
      for (int i = 0; i < n; i++) {
        requests.add(request.withSampling(sampling.withSeed(sampling.seed() + i)));
      }
    }
    return new TextRequest(
        host,
        chat,
        prompts,
        requests,
        ends,
        fields.flag("stream"),
        fields.object("stream_options").map(o -> o.flag("include_usage")).orElse(false),
        logProbs.isPresent(),
        echo);
  }

  /**
   * What would change the answer and cannot be done; other fields that are unknown are harmless.
   */
  private void refuseUnsupported() {
    for (String name : List.of("tools", "functions")) {
      if (!fields.list(name).orElse(List.of()).isEmpty()) {
        throw HttpError.ofField(name, "'" + name + "' are not supported: the model writes text");
      }
    }
    for (String name : List.of("suffix", "audio", "prediction", "grammar", "guided_json")) {
      if (fields.value(name).filter(value -> !value.equals("")).isPresent()) {
        throw HttpError.ofField(name, "'" + name + "' is not supported");
      }
    }
    Optional<String> format = fields.object("response_format").flatMap(o -> o.text("type"));
    if (fields.value("response_format").isPresent() && !format.equals(Optional.of("text"))) {
      throw HttpError.ofField("response_format", "'response_format' can only be text");
    }
    List<?> modalities = fields.list("modalities").orElse(List.of("text"));
    if (!modalities.equals(List.of("text"))) {
      throw HttpError.ofField("modalities", "'modalities' can only be text");
    }
    OptionalInt bestOf = fields.integer("best_of", 1, MOST_CHOICES);
    if (bestOf.isPresent() && bestOf.getAsInt() != fields.integer("n", 1, MOST_CHOICES).orElse(1)) {
      throw HttpError.ofField("best_of", "'best_of' other than n is not supported");
    }
  }

  private ChatTemplate template() {
    return served
        .template()
        .orElseThrow(() ->
            HttpError.ofField(
                    "model",
                    Text.format(
                        "the model %s has no chat template; ask for its texts at /v1/completions",
                        served.id()))
                .withCode("no_chat_template"));
  }

  private int[] conversation() {
    try {
      return template().encode(served.tokenizer(), ChatMessages.of(fields), true).ids();
    } catch (JambicException e) {
      throw HttpError.ofField("messages", e.getMessage());
    }
  }

  private void requireRoom(int[] prompt) {
    int context = served.model().contextLength();
    if (prompt.length > context) {
      throw HttpError.ofField(
              chat ? "messages" : "prompt",
              Text.format(
                  "This model's maximum context length is %d tokens, and the prompt has %d; shorten it",
                  context, prompt.length))
          .withCode("context_length_exceeded");
    }
  }

  /** As many as were asked for, as far as the context goes: the engine ends there. */
  private int maxTokens(int promptLength) {
    int least = chat ? 1 : 0; // a prompt can be scored alone
    OptionalInt given = fields.integer("max_completion_tokens", least, Integer.MAX_VALUE);
    if (given.isEmpty()) {
      given = fields.integer("max_tokens", least, Integer.MAX_VALUE);
    }
    int context = served.model().contextLength();
    try {
      int wanted =
          given.isPresent()
              ? given.getAsInt()
              : served
                  .generation()
                  .maxNewTokens(promptLength)
                  .orElse(chat ? context : COMPLETION_TOKENS);
      return Math.min(wanted, context - promptLength + 1);
    } catch (JambicException e) {
      throw HttpError.ofField("max_tokens", e.getMessage());
    }
  }

  private OptionalInt logProbs() {
    if (!chat) {
      return fields.value("logprobs").equals(Optional.of(false))
          ? OptionalInt.empty()
          : fields.integer("logprobs", 0, MOST_LOGPROBS);
    }
    OptionalInt top = fields.integer("top_logprobs", 0, MOST_LOGPROBS);
    if (!fields.flag("logprobs")) {
      if (top.isPresent() && top.getAsInt() > 0) {
        throw HttpError.ofField("top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
      }
      return OptionalInt.empty();
    }
    return OptionalInt.of(top.orElse(0));
  }

  private List<String> stop() {
    Object given = fields.value("stop").orElse(List.of());
    List<?> texts =
        given instanceof String text
            ? List.of(text)
            : given instanceof List<?> l ? l : List.of(given);
    if (texts.size() > MOST_STOPS
        || !texts.stream().allMatch(text -> text instanceof String s && !s.isEmpty())) {
      throw Fields.wrong("stop", "a text or up to " + MOST_STOPS + " texts, none empty", given);
    }
    return texts.stream().map(String.class::cast).toList();
  }
}

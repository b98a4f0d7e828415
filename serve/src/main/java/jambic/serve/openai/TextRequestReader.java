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
  private static final String PROMPT = "prompt";
  private static final String MESSAGES = "messages";
  private static final String STOP = "stop";
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
    UnsupportedFields.refuse(fields, chat);
    Set<Integer> chatEnds = chat ? template().stopTokens(served.tokenizer()) : Set.of();
    List<int[]> prompts = chat ? List.of(conversation()) : new Prompts(served, PROMPT).of(fields);
    int n = fields.integer("n", 1, UnsupportedFields.MOST_CHOICES).orElse(1);
    OptionalInt logProbs = logProbs();
    boolean echo = !chat && fields.flag("echo");
    Set<Integer> ends = new HashSet<>(chatEnds);
    ends.addAll(served.endTokens());
    List<GenerationRequest> requests = new ArrayList<>();
    SamplingParams sampling = SamplingFields.of(fields, served, n);
    List<String> stop = stop();
    for (int[] prompt : prompts) {
      requireRoom(prompt, where(prompts.size(), requests.size() / n));
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
      throw HttpError.ofField(MESSAGES, "'messages': " + e.getMessage());
    }
  }

  /** The field that a prompt came in. */
  private String where(int prompts, int index) {
    return chat ? MESSAGES : prompts == 1 ? PROMPT : PROMPT + "[" + index + "]";
  }

  /** A prompt that is only scored may fill the context; beside others there is room to write. */
  private void requireRoom(int[] prompt, String where) {
    int context = served.model().contextLength();
    int written = wanted(prompt.length) == 0 ? 0 : 1;
    if (prompt.length + written > context) {
      throw HttpError.ofField(
              where,
              Text.format(
                  "This model's maximum context length is %d tokens, and '%s' has %d%s; shorten it",
                  context,
                  where,
                  prompt.length,
                  prompt.length > context ? "" : ", which leaves no room for an answer"))
          .withCode("context_length_exceeded");
    }
  }

  /** As many as were asked for, as far as the context goes: the engine ends there. */
  private int maxTokens(int promptLength) {
    return Math.min(wanted(promptLength), served.model().contextLength() - promptLength);
  }

  private int wanted(int promptLength) {
    int least = chat ? 1 : 0; // a prompt can be scored alone
    OptionalInt most = fields.integer("max_tokens", least, Integer.MAX_VALUE);
    OptionalInt given = fields.integer("max_completion_tokens", least, Integer.MAX_VALUE);
    if (given.isPresent() || most.isPresent()) {
      return given.isPresent() ? given.getAsInt() : most.getAsInt();
    }
    try {
      return served
          .generation()
          .maxNewTokens(promptLength)
          .orElse(chat ? served.model().contextLength() : COMPLETION_TOKENS);
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
    Object given = fields.value(STOP).orElse(List.of());
    if (!(given instanceof List<?> several)) {
      return List.of(stop(given, STOP));
    }
    if (several.size() > MOST_STOPS) {
      throw HttpError.ofField(
          STOP,
          Text.format("'stop' has %d texts, and at most %d can be", several.size(), MOST_STOPS));
    }
    List<String> texts = new ArrayList<>();
    for (Object text : several) {
      texts.add(stop(text, STOP + "[" + texts.size() + "]"));
    }
    return texts;
  }

  private static String stop(Object given, String where) {
    if (given instanceof String text && !text.isEmpty()) {
      return text;
    }
    throw Fields.wrong(where, "a text that is not empty", given);
  }
}

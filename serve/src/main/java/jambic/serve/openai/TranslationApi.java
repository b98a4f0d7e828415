package jambic.serve.openai;

import jambic.model.generate.FinishReason;
import jambic.model.translator.Translation;
import jambic.model.translator.TranslationSettings;
import jambic.serve.http.EventStream;
import jambic.serve.http.Exchange;
import jambic.serve.http.HttpError;
import jambic.serve.model.TranslatorHost;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Translations in the shape of completions: the prompt in, its translation out. */
final class TranslationApi {
  private static final String PROMPT = "prompt";
  private static final int MOST = 64;
  private static final long PULSE = 500_000_000; // nanoseconds

  /** What chooses among tokens or tells of them, which a search does not. */
  private static final List<String> OF_WRITERS =
      List.of(
          "temperature",
          "top_k",
          "stop",
          "echo",
          "presence_penalty",
          "frequency_penalty",
          "logit_bias");

  private final Fields fields;
  private final TranslatorHost host;

  private TranslationApi(Fields fields, TranslatorHost host) {
    this.fields = fields;
    this.host = host;
  }

  /** Answers a request for translations. */
  static void answer(Exchange exchange, Fields fields, TranslatorHost host) throws IOException {
    new TranslationApi(fields, host).answer(exchange);
  }

  private void answer(Exchange exchange) throws IOException {
    refuseUnsupported();
    List<String> texts = texts();
    int n = fields.integer("n", 1, host.served().pipeline().settings().beams()).orElse(1);
    TranslationSettings settings = settings();
    boolean stream = fields.flag("stream");
    boolean usage = fields.object("stream_options").map(o -> o.flag("include_usage")).orElse(false);
    AnswerShape shape =
        new AnswerShape(host.served().id(), false, stream && usage, promptTokens(texts));
    exchange.header("X-Request-Id", shape.id());
    if (stream) {
      stream(exchange, shape, settings, texts, n);
    } else {
      whole(exchange, shape, settings, texts, n);
    }
  }

  private void refuseUnsupported() {
    UnsupportedFields.refuse(fields, false);
    for (String name : OF_WRITERS) {
      if (UnsupportedFields.asksFor(fields, name)) {
        throw refused(name);
      }
    }
    for (String name : List.of("top_p", "repetition_penalty")) { // 1 changes nothing
      if (fields.number(name, 0, 10).filter(value -> value != 1).isPresent()) {
        throw refused(name);
      }
    }
    if (fields.value("logprobs").filter(value -> !value.equals(false)).isPresent()) {
      throw refused("logprobs");
    }
    fields.seed("seed", 0); // nothing is drawn
  }

  private HttpError refused(String name) {
    return HttpError.ofField(
        name,
        "'"
            + name
            + "' is not supported by "
            + host.served().id()
            + ": a translator searches for the best translation; leave it out");
  }

  private List<String> texts() {
    Object given = fields.value(PROMPT).orElse(List.of());
    if (!(given instanceof List<?> several)) {
      return List.of(text(given, PROMPT));
    }
    if (several.isEmpty() || several.size() > MOST) {
      throw HttpError.ofField(PROMPT, "'prompt' must be a text, or 1 to " + MOST + " texts");
    }
    List<String> texts = new ArrayList<>();
    for (Object text : several) {
      texts.add(text(text, PROMPT + "[" + texts.size() + "]"));
    }
    return texts;
  }

  private static String text(Object given, String where) {
    if (given instanceof String text) {
      return text;
    }
    throw Fields.wrong(where, "a text", given);
  }

  private int promptTokens(List<String> texts) {
    int tokens = 0;
    for (int i = 0; i < texts.size(); i++) {
      try {
        tokens += host.served().pipeline().tokenizer().encodeSource(texts.get(i)).length;
      } catch (JambicException e) {
        String where = fields.value(PROMPT).get() instanceof List ? PROMPT + "[" + i + "]" : PROMPT;
        throw HttpError.ofField(where, "'" + where + "': " + e.getMessage());
      }
    }
    return tokens;
  }

  private TranslationSettings settings() {
    TranslationSettings own = host.served().pipeline().settings();
    OptionalInt most = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
    OptionalInt given = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
    int wanted = given.orElse(most.orElse(own.maxTokens()));
    return own.withMaxTokens(Math.min(wanted, own.maxTokens()));
  }

  private void whole(
      Exchange exchange, AnswerShape shape, TranslationSettings settings, List<String> texts, int n)
      throws IOException {
    List<Map<String, Object>> choices = new ArrayList<>();
    int tokens = 0;
    long start = System.nanoTime();
    TranslatorHost.Waiter client =
        () -> {
          if (exchange.isGone()) {
            throw new IOException("the client has left");
          }
          if (System.nanoTime() - start > PULSE) {
            exchange.space();
          }
        };
    for (List<Translation> best : host.translate(settings, texts, client)) {
      for (Translation translation : several(best, n)) {
        choices.add(
            shape.choice(choices.size(), translation.text(), Optional.empty(), end(translation)));
        tokens += translation.tokens();
      }
    }
    exchange.finishJson(shape.whole(choices, tokens));
  }

  /** A text that is blank or was cut has one translation, which stands for all. */
  private static List<Translation> several(List<Translation> best, int n) {
    List<Translation> several = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      several.add(best.get(Math.min(i, best.size() - 1)));
    }
    return several;
  }

  private void stream(
      Exchange exchange, AnswerShape shape, TranslationSettings settings, List<String> texts, int n)
      throws IOException {
    EventStream events = exchange.events();
    int index = 0;
    int tokens = 0;
    for (String text : texts) {
      List<Translation> best = host.translate(settings, List.of(text), events::ping).getFirst();
      for (Translation translation : several(best, n)) {
        Optional<FinishReason> end = Optional.of(end(translation));
        events.send(shape.piece(index++, translation.text(), Optional.empty(), end));
        tokens += translation.tokens();
      }
    }
    if (shape.tellsUsage()) {
      events.send(shape.usageChunk(tokens));
    }
    events.event("[DONE]");
  }

  private static FinishReason end(Translation translation) {
    return translation.whole() ? FinishReason.STOP : FinishReason.LENGTH;
  }
}

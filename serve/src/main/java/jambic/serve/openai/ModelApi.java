package jambic.serve.openai;

import jambic.model.gpt.Gpt;
import jambic.model.text.Tokenizer;
import jambic.serve.http.Exchange;
import jambic.serve.http.HttpError;
import jambic.serve.http.Route;
import jambic.serve.model.ModelHost;
import jambic.serve.model.ServedModel;
import jambic.serve.model.TranslatorHost;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What models there are, and their tokens. */
public final class ModelApi {
  private final ModelHosts hosts;
  private final long created = System.currentTimeMillis() / 1000;

  /** Of some models. */
  public ModelApi(ModelHosts hosts) {
    this.hosts = hosts;
  }

  /** Its addresses. */
  public List<Route> routes() {
    return List.of(
        Route.get("/v1/models", this::list),
        Route.get("/v1/models/*", this::one),
        Route.get("/api/models", this::cards),
        Route.post("/tokenize", this::tokenize),
        Route.post("/detokenize", this::detokenize));
  }

  private void one(Exchange exchange) throws IOException {
    String id = exchange.rest();
    Optional<Map<String, Object>> entry =
        entries().stream().filter(each -> each.get("id").equals(id)).findFirst();
    exchange.json(200, entry.orElseThrow(() -> hosts.unknown()));
  }

  private void list(Exchange exchange) throws IOException {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("object", "list");
    fields.put("data", entries());
    exchange.json(200, fields);
  }

  private List<Map<String, Object>> entries() {
    List<Map<String, Object>> entries = new ArrayList<>();
    for (ModelHost host : hosts.all()) {
      entries.add(entry(host.served().id(), host.served().model().contextLength()));
    }
    for (TranslatorHost host : hosts.translators()) {
      int context = host.served().pipeline().model().config().maxLength();
      entries.add(entry(host.served().id(), context));
    }
    return entries;
  }

  private Map<String, Object> entry(String id, int context) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("id", id);
    fields.put("object", "model");
    fields.put("created", created);
    fields.put("owned_by", "jambic");
    fields.put("max_model_len", context);
    return fields;
  }

  /** For the playground. */
  private void cards(Exchange exchange) throws IOException {
    exchange.json(200, Map.of("models", hosts.all().stream().map(ModelApi::card).toList()));
  }

  private static Map<String, Object> card(ModelHost host) {
    ServedModel served = host.served();
    Tokenizer tokenizer = served.tokenizer();
    Map<String, Object> card = new LinkedHashMap<>();
    card.put("id", served.id());
    card.put("parameters", served.model().parameters().count());
    card.put("context", served.model().contextLength());
    card.put("vocabulary", served.model().vocabSize());
    card.put(
        "tokenizer",
        tokenizer.getClass().getSimpleName().replace("Tokenizer", "").toLowerCase(Locale.ROOT));
    if (served.model() instanceof Gpt gpt) {
      card.put("layers", gpt.config().nLayer());
      card.put("heads", gpt.config().nHead());
      card.put("width", gpt.config().nEmbd());
      card.put("quantized", gpt.isQuantized());
    }
    card.put("adapters", served.model().lora().isPresent());
    card.put("backend", served.model().backend().name());
    card.put("template", served.template().map(template -> template.label()).orElse(null));
    return card;
  }

  private void tokenize(Exchange exchange) throws IOException {
    Fields fields = new Fields(exchange.jsonBody());
    ServedModel served = hosts.of(fields).served();
    String text =
        fields
            .text("prompt")
            .or(() -> fields.text("content"))
            .orElseThrow(() -> HttpError.ofField("prompt", "'prompt' must be there: a text"));
    int[] ids;
    try {
      ids = served.tokenizer().encode(text);
    } catch (JambicException e) {
      throw HttpError.ofField("prompt", e.getMessage());
    }
    LogProbsJson names = new LogProbsJson(served.tokenizer());
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("count", ids.length);
    answer.put("max_model_len", served.model().contextLength());
    answer.put("tokens", ids);
    answer.put("token_strs", Arrays.stream(ids).mapToObj(names::name).toList());
    exchange.json(200, answer);
  }

  private void detokenize(Exchange exchange) throws IOException {
    Fields fields = new Fields(exchange.jsonBody());
    Tokenizer tokenizer = hosts.of(fields).served().tokenizer();
    List<?> given =
        fields
            .list("tokens")
            .orElseThrow(() -> HttpError.ofField("tokens", "'tokens' must be there: an array"));
    int[] ids = TokenIds.of(given, "tokens", tokenizer.vocabSize());
    exchange.json(200, Map.of("prompt", tokenizer.decode(ids)));
  }
}

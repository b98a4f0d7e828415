package jambic.serve.openai;

import jambic.serve.http.HttpError;
import jambic.serve.model.ModelHost;
import jambic.serve.model.TranslatorHost;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The models of a server, by what clients call them. */
public final class ModelHosts {
  private static final String MODEL = "model";

  private final Map<String, ModelHost> byId = new LinkedHashMap<>();
  private final Map<String, TranslatorHost> translators = new LinkedHashMap<>();
  private volatile boolean draining;

  /**
   * The models, whose ids differ.
   *
   * @throws JambicException if there is none
   */
  public ModelHosts(List<ModelHost> hosts, List<TranslatorHost> translators) {
    if (hosts.isEmpty() && translators.isEmpty()) {
      throw new JambicException("a server needs at least one model");
    }
    hosts.forEach(host -> byId.put(host.served().id(), host));
    translators.forEach(host -> this.translators.put(host.served().id(), host));
  }

  /** Those that translate. */
  List<TranslatorHost> translators() {
    return List.copyOf(translators.values());
  }

  /** The translator that a request names, or the only model if it is one. */
  Optional<TranslatorHost> translator(Fields fields) {
    Optional<String> id = fields.text(MODEL);
    return id.isEmpty() && byId.isEmpty() && translators.size() == 1
        ? Optional.of(translators().getFirst())
        : id.map(translators::get);
  }

  /** All that write texts. */
  public List<ModelHost> all() {
    return List.copyOf(byId.values());
  }

  /** From now on new requests are refused. */
  public void drain() {
    draining = true;
  }

  /** What is the matter, if requests cannot be served now. */
  public Optional<String> trouble() {
    if (draining) {
      return Optional.of("draining");
    }
    if (all().stream().anyMatch(ModelHost::isFailed)) {
      return Optional.of("failed");
    }
    return all().stream().allMatch(ModelHost::isWarm) ? Optional.empty() : Optional.of("starting");
  }

  /** The model that a request names; it need not where there is one only. */
  ModelHost of(Fields fields) {
    Optional<String> id = fields.text(MODEL);
    if (id.isEmpty() && byId.size() + translators.size() > 1) {
      throw HttpError.ofField(MODEL, "'model' must name one of " + names());
    }
    translator(fields)
        .ifPresent(host -> {
          throw HttpError.ofField(
              MODEL,
              Text.format("'model': %s translates; ask it at /v1/completions", host.served().id()));
        });
    return id.isEmpty() ? all().getFirst() : named(id.get());
  }

  private ModelHost named(String id) {
    ModelHost host = byId.get(id);
    if (host == null) {
      throw unknown();
    }
    return host;
  }

  HttpError unknown() {
    return HttpError.of(404, Text.format("there is no such model here; there is %s", names()))
        .withParam(MODEL)
        .withCode("model_not_found");
  }

  private String names() {
    List<String> names = new ArrayList<>(byId.keySet());
    names.addAll(translators.keySet());
    return String.join(", ", names);
  }

  /** Refuses new work of a server that ends, or of a model that is not warm or has failed. */
  void requireServing(ModelHost host) {
    requireOpen();
    if (!host.isWarm() && !host.isFailed()) {
      throw HttpError.of(503, "the model is not ready yet; try again in a second")
          .withCode("starting")
          .withRetryAfter(Duration.ofSeconds(1));
    }
    if (host.isFailed()) {
      throw HttpError.of(503, "the model has failed; the server's log says why")
          .withCode("model_failed")
          .withRetryAfter(Duration.ofSeconds(30));
    }
  }

  /** Refuses new work of a server that ends. */
  void requireOpen() {
    if (draining) {
      throw HttpError.of(503, "the server is shutting down")
          .withCode("draining")
          .withRetryAfter(Duration.ofSeconds(5));
    }
  }

  /** Takes a place for a request to a translator, which the caller gives back. */
  void enter(TranslatorHost host) {
    requireRoom(host.enter(1));
  }

  /** Takes a place for some texts, which the caller gives back, or refuses them for a while. */
  void enter(ModelHost host, int texts) {
    requireRoom(host.enter(texts));
  }

  private static void requireRoom(boolean room) {
    if (!room) {
      throw HttpError.of(429, "too many requests wait already; try again later")
          .withType("rate_limit_error")
          .withCode("queue_full")
          .withRetryAfter(Duration.ofSeconds(1));
    }
  }
}

package jambic.serve;

import jambic.serve.http.Pages;
import jambic.serve.http.Route;
import jambic.serve.http.WebOptions;
import jambic.serve.http.WebServer;
import jambic.serve.model.EngineOptions;
import jambic.serve.model.ModelHost;
import jambic.serve.model.ServedModel;
import jambic.serve.model.ServedTranslator;
import jambic.serve.model.TranslatorHost;
import jambic.serve.openai.EmbeddingApi;
import jambic.serve.openai.ModelApi;
import jambic.serve.openai.ModelHosts;
import jambic.serve.openai.StatusApi;
import jambic.serve.openai.TextApi;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/**
 * Serves models by OpenAI's API: texts, conversations, tokens, with figures for Prometheus and a
 * playground at its root. Each model has an engine and a thread of its own. The models stay the
 * caller's to close, after the server.
 */
public final class JambicServer implements AutoCloseable {
  private static final List<String> PAGES =
      List.of("playground.css", "playground.js", "api.js", "tokens.js", "attention.js", "icon.svg");
  private static final Duration PAUSE = Duration.ofMillis(20);

  private final List<ModelHost> models = new ArrayList<>();
  private final List<TranslatorHost> translators = new ArrayList<>();
  private final ModelHosts hosts;
  private final WebServer web;
  private final CountDownLatch closed = new CountDownLatch(1);

  private JambicServer(
      WebOptions options,
      EngineOptions engines,
      List<ServedModel> served,
      List<ServedTranslator> translating,
      List<Route> others) {
    requireDifferent(
        Stream.concat(
            served.stream().map(ServedModel::id), translating.stream().map(ServedTranslator::id)));
    try {
      served.forEach(model -> models.add(new ModelHost(model, engines)));
      translating.forEach(each -> translators.add(new TranslatorHost(each, engines)));
      hosts = new ModelHosts(models, translators);
      List<Route> routes = new ArrayList<>(new TextApi(hosts).routes());
      routes.addAll(new ModelApi(hosts).routes());
      routes.addAll(new EmbeddingApi(hosts).routes());
      routes.addAll(new StatusApi(hosts).routes());
      routes.addAll(pages().routes());
      routes.addAll(others);
      routes.add(Route.openGet("/api/pages", exchange -> exchange.json(200, linked(others))));
      web = WebServer.start(options, routes);
    } catch (RuntimeException e) {
      models.forEach(ModelHost::close);
      throw e;
    }
  }

  private static void requireDifferent(Stream<String> names) {
    Set<String> ids = new HashSet<>();
    names.forEach(id -> {
      if (!ids.add(id)) {
        throw new JambicException(
            Text.format("two models are called %s; clients need a name for each", id));
      }
    });
  }

  /** Where else the playground may lead. */
  private static Map<String, Object> linked(List<Route> others) {
    return Map.of("runs", others.stream().anyMatch(route -> route.path().equals("/runs")));
  }

  private static Pages pages() {
    Pages pages = new Pages().with("/", page("index.html"));
    PAGES.forEach(name -> pages.with("/" + name, page(name)));
    return pages;
  }

  private static InputStream page(String name) {
    return JambicServer.class.getResourceAsStream("page/" + name);
  }

  /**
   * Begins to listen, and returns when the models are warm.
   *
   * @param options where and for whom
   * @param engines how much is computed at a time
   * @param models what is served, under different ids
   * @return the server, to be closed
   * @throws JambicException if the address cannot be bound, or memory runs out
   */
  public static JambicServer start(
      WebOptions options, EngineOptions engines, List<ServedModel> models) {
    return start(options, engines, models, List.of(), List.of());
  }

  /**
   * Begins to listen, and returns when the models are warm.
   *
   * @param options where and for whom
   * @param engines how much is computed at a time
   * @param models what is served, under different ids
   * @param translators what translates, under other ids
   * @param others what else is answered, at addresses of its own
   * @return the server, to be closed
   * @throws JambicException if the address cannot be bound, or memory runs out
   */
  public static JambicServer start(
      WebOptions options,
      EngineOptions engines,
      List<ServedModel> models,
      List<ServedTranslator> translators,
      List<Route> others) {
    JambicServer server = new JambicServer(options, engines, models, translators, others);
    while (server.hosts.trouble().equals(Optional.of("starting")) && pause()) {}
    return server;
  }

  private static boolean pause() {
    try {
      Thread.sleep(PAUSE);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Where it listens.
   *
   * @return its address
   */
  public URI address() {
    return web.address();
  }

  /** Waits until the server is closed, by another thread. */
  public void await() {
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Refuses new requests and lets those in work end. What has not ended by then is cut off by
   * {@link #close}.
   *
   * @param grace how long to wait for them
   * @return whether all have ended
   */
  public boolean drain(Duration grace) {
    hosts.drain();
    long start = System.nanoTime();
    while (inWork() > 0 && System.nanoTime() - start < grace.toNanos() && pause()) {}
    return inWork() == 0;
  }

  /**
   * How much there is to do.
   *
   * @return texts that are written or wait
   */
  public int inWork() {
    return models.stream().mapToInt(ModelHost::inWork).sum()
        + translators.stream().mapToInt(TranslatorHost::inWork).sum();
  }

  /** Cuts off what is in work, and frees what the engines hold. */
  @Override
  public void close() {
    hosts.drain();
    models.forEach(ModelHost::close); // their clients hear of it
    drain(Duration.ofSeconds(1));
    web.close();
    closed.countDown();
  }
}

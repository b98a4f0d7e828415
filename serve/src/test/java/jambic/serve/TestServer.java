package jambic.serve;

import jambic.serve.http.Json;
import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import jambic.serve.model.ServedModel;
import jambic.serve.model.ServedTranslator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A server for a test, and how to ask it. */
final class TestServer implements AutoCloseable {
  static final String COMPLETIONS = "/v1/completions";
  static final String CHAT = "/v1/chat/completions";

  private static final WebOptions ANY_PORT = WebOptions.DEFAULT.withPort(0);

  private final TinyModel model;
  final JambicServer server;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** What came back. */
  record Reply(int status, Map<String, Object> json, HttpResponse<String> response) {
    @SuppressWarnings("unchecked")
    Map<String, Object> error() {
      return (Map<String, Object>) json.get("error");
    }

    @SuppressWarnings("unchecked")
    Map<String, Object> choice(int index) {
      return ((List<Map<String, Object>>) json.get("choices")).get(index);
    }

    String text() {
      return (String) choice(0).get("text");
    }

    @SuppressWarnings("unchecked")
    String content() {
      return (String) ((Map<String, Object>) choice(0).get("message")).get("content");
    }
  }

  private TestServer(TinyModel model, JambicServer server) {
    this.model = model;
    this.server = server;
  }

  static TestServer start() {
    return start(ANY_PORT, EngineOptions.DEFAULT);
  }

  static TestServer start(WebOptions web, EngineOptions engine) {
    TinyModel model = new TinyModel();
    return new TestServer(
        model, JambicServer.start(web.withPort(0), engine, List.of(model.served())));
  }

  static TestServer start(TinyModel model, ServedModel... served) {
    return new TestServer(
        model, JambicServer.start(ANY_PORT, EngineOptions.DEFAULT, List.of(served)));
  }

  static TestServer start(
      TinyModel model, List<ServedModel> served, List<ServedTranslator> translators) {
    return new TestServer(
        model, JambicServer.start(ANY_PORT, EngineOptions.DEFAULT, served, translators, List.of()));
  }

  TinyModel model() {
    return model;
  }

  int port() {
    return server.address().getPort();
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server.address() + path))
        .timeout(Duration.ofSeconds(30));
  }

  HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return client.send(
          request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  HttpResponse<String> get(String path) {
    return send(request(path));
  }

  Reply getJson(String path) {
    return reply(get(path));
  }

  HttpResponse<String> postText(String path, String body) {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  Reply post(String path, Map<String, ?> body) {
    return reply(postText(path, Json.text(body)));
  }

  static Reply reply(HttpResponse<String> response) {
    byte[] body = response.body().getBytes(StandardCharsets.UTF_8);
    return new Reply(response.statusCode(), Json.object(body), response);
  }

  /** The events of a stream, the last of which says that it was whole. */
  List<Map<String, Object>> stream(String path, Map<String, ?> body) {
    HttpResponse<String> response = postText(path, Json.text(body));
    if (response.statusCode() != 200) {
      throw new AssertionError(response.body());
    }
    List<String> data =
        response
            .body()
            .lines()
            .filter(line -> line.startsWith("data: "))
            .map(line -> line.substring("data: ".length()))
            .toList();
    if (!data.getLast().equals("[DONE]")) {
      throw new AssertionError("the stream was broken off");
    }
    List<Map<String, Object>> events = new ArrayList<>();
    for (String event : data.subList(0, data.size() - 1)) {
      events.add(Json.object(event.getBytes(StandardCharsets.UTF_8)));
    }
    return events;
  }

  /** A connection, to be misused. */
  Socket socket() throws IOException {
    return new Socket("127.0.0.1", port());
  }

  /** The bytes of a POST. */
  byte[] rawPost(String path, Map<String, ?> body) {
    byte[] json = Json.text(body).getBytes(StandardCharsets.UTF_8);
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
            + json.length
            + "\r\n\r\n";
    return (head + new String(json, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
  }

  /** The value of a figure of the only model. */
  double metric(String name) {
    return get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  @Override
  public void close() {
    client.close();
    server.close();
    model.close();
  }
}

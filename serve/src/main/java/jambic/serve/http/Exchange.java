package jambic.serve.http;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Blocker;
import org.eclipse.jetty.util.thread.Scheduler;

/** A request and its answer. For one thread. */
public final class Exchange {
  private static final String JSON = "application/json";
  private static final byte[] SPACE = {' '};

  /** What is still read of a body that was refused, so that the client sees why. */
  private static final long LINGER = 8L << 20;

  private static final Duration LINGER_TIME = Duration.ofSeconds(2);

  private final Request request;
  private final Response response;
  private final int maxBody;
  private final Duration arrival;
  private String rest = "";
  private boolean ended;
  private volatile boolean gone;

  Exchange(Request request, Response response, int maxBody, Duration arrival) {
    this.request = request;
    this.response = response;
    this.maxBody = maxBody;
    this.arrival = arrival;
    request.addFailureListener(_ -> gone = true);
  }

  /** The method, such as GET. */
  public String method() {
    return request.getMethod();
  }

  /** The path as it was sent, escapes included. */
  public String path() {
    return Optional.ofNullable(request.getHttpURI().getPath()).orElse("");
  }

  /** What follows the path of a route that ends in a star, escapes resolved. */
  public String rest() {
    return rest;
  }

  void setRest(String escaped) {
    try {
      rest = URLDecoder.decode(escaped.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw HttpError.of(404, "the address is not escaped as addresses are");
    }
  }

  /** The parameters behind the question mark; the first of each name. */
  public Map<String, String> query() {
    Map<String, String> query = new LinkedHashMap<>();
    Request.extractQueryParameters(request)
        .forEach(field -> query.putIfAbsent(field.getName(), field.getValue()));
    return query;
  }

  /** A header of the request. */
  public Optional<String> requestHeader(String name) {
    return Optional.ofNullable(request.getHeaders().get(name));
  }

  /** The name that an HTTP/2 client asks for, which sends no Host. */
  Optional<String> authority() {
    return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2
        ? Optional.ofNullable(request.getHttpURI().getAuthority())
        : Optional.empty();
  }

  /** Whether a client that is simple or old asks: it need not send a Host. */
  boolean isHttp10() {
    return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_1_0;
  }

  boolean isSecure() {
    return request.isSecure();
  }

  /** Whether it is known that nobody waits for the answer any more; writing finds out. */
  public boolean isGone() {
    return gone;
  }

  /** The JSON object that was sent. */
  public Map<String, Object> jsonBody() {
    String type = requestHeader("Content-Type").orElse("").toLowerCase(Locale.ROOT);
    if (!type.split(";", 2)[0].strip().equals(JSON)) {
      throw HttpError.of(415, "the body must be JSON: Content-Type: application/json");
    }
    if (requestHeader("Content-Encoding").isPresent()) {
      throw HttpError.of(415, "the body must not be compressed");
    }
    return Json.object(body());
  }

  private byte[] body() {
    if (request.getLength() > maxBody) {
      throw tooLarge();
    }
    Scheduler.Task deadline = failAfter(arrival);
    try (InputStream in = Request.asInputStream(request)) {
      byte[] bytes = in.readNBytes(maxBody + 1);
      if (bytes.length > maxBody) {
        throw tooLarge();
      }
      return bytes;
    } catch (IOException e) {
      response.getHeaders().put("Connection", "close");
      throw HttpError.of(
          408, Text.format("the body did not arrive within %d s", arrival.toSeconds()));
    } finally {
      deadline.cancel();
    }
  }

  private Scheduler.Task failAfter(Duration time) {
    Scheduler scheduler = request.getComponents().getScheduler();
    return scheduler.schedule(
        () -> request.getConnectionMetaData().getConnection().close(),
        time.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private HttpError tooLarge() {
    return HttpError.of(413, Text.format("the body is larger than %d bytes", maxBody));
  }

  /** Sets a header of the answer. */
  public Exchange header(String name, String value) {
    response.getHeaders().put(name, value);
    return this;
  }

  /** Answers with bytes. */
  public void respond(int status, String type, byte[] bytes) throws IOException {
    begin(status, type);
    write(true, bytes);
  }

  /** Answers without a body. */
  public void respond(int status) throws IOException {
    response.setStatus(status);
    write(true, new byte[0]);
  }

  /** Answers with JSON. */
  public void json(int status, Object value) throws IOException {
    respond(status, JSON, Json.text(value).getBytes(StandardCharsets.UTF_8));
  }

  /** Begins events. */
  public EventStream events() {
    begin(200, "text/event-stream; charset=utf-8");
    header("Cache-Control", "no-cache");
    header("X-Accel-Buffering", "no"); // else proxies collect them
    return new EventStream(this);
  }

  /**
   * Begins JSON that takes long. A space now and then, which readers of JSON pass over, shows
   * whether there is a reader still.
   */
  public void space() throws IOException {
    if (!response.isCommitted()) {
      begin(200, JSON);
    }
    write(false, SPACE);
  }

  /** Ends JSON that took long, or answers with it at once. */
  public void finishJson(Object value) throws IOException {
    if (!response.isCommitted()) {
      begin(200, JSON);
    }
    write(true, Json.text(value).getBytes(StandardCharsets.UTF_8));
  }

  private void begin(int status, String type) {
    response.setStatus(status);
    header("Content-Type", type);
  }

  void write(boolean last, byte[] bytes) throws IOException {
    ended |= last;
    try (Blocker.Callback done = Blocker.callback()) {
      response.write(last, ByteBuffer.wrap(bytes), done);
      done.block();
    }
  }

  /** Ends an answer that was written in parts. */
  void end() throws IOException {
    if (!ended) {
      write(true, new byte[0]);
    }
  }

  boolean isBegun() {
    return response.isCommitted();
  }

  /** Answers with an error, and reads on for a while: who is sending would not see the answer. */
  void refuse(HttpError error) throws IOException {
    error
        .retryAfter()
        .ifPresent(time -> header("Retry-After", Long.toString(Math.max(1, time.toSeconds()))));
    if (error.status() == 401) {
      header("WWW-Authenticate", "Bearer");
    }
    boolean unread = request.getLength() != 0;
    if (unread && error.status() == 413) {
      header("Connection", "close");
    }
    json(error.status(), error.body());
    if (unread) {
      discard();
    }
  }

  private void discard() {
    Scheduler.Task deadline = failAfter(LINGER_TIME);
    try (InputStream in = Request.asInputStream(request)) {
      byte[] buffer = new byte[1 << 14];
      long left = LINGER;
      for (int n = in.read(buffer); n >= 0 && left > 0; n = in.read(buffer)) {
        left -= n;
      }
    } catch (IOException gone) {
      // Then nobody reads the answer.
    } finally {
      deadline.cancel();
    }
  }
}

package jambic.serve.http;

import java.io.Serial;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A request that is refused: the status, and OpenAI's four fields of an error. */
public final class HttpError extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final transient Optional<String> param;
  private final transient Optional<String> code;
  private final transient Optional<Duration> retryAfter;

  private HttpError(
      int status,
      String type,
      Optional<String> param,
      Optional<String> code,
      Optional<Duration> retryAfter,
      String message) {
    super(message, null, false, false); // a refusal costs no stack trace
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Refuses what the client sent. */
  public static HttpError of(int status, String message) {
    String type = status < 500 ? "invalid_request_error" : "server_error";
    return new HttpError(
        status, type, Optional.empty(), Optional.empty(), Optional.empty(), message);
  }

  /** Refuses the value of a field, with status 400. */
  public static HttpError ofField(String param, String message) {
    return of(400, message).withParam(param);
  }

  /** The same about a field of the request. */
  public HttpError withParam(String name) {
    return new HttpError(status, type, Optional.of(name), code, retryAfter, getMessage());
  }

  /** The same with a word that programs know it by. */
  public HttpError withCode(String word) {
    return new HttpError(status, type, param, Optional.of(word), retryAfter, getMessage());
  }

  /** The same of another kind of error. */
  public HttpError withType(String word) {
    return new HttpError(status, word, param, code, retryAfter, getMessage());
  }

  /** The same, for a client that may try again. */
  public HttpError withRetryAfter(Duration time) {
    return new HttpError(status, type, param, code, Optional.of(time), getMessage());
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** When to try again. */
  public Optional<Duration> retryAfter() {
    return retryAfter;
  }

  /** The body of the answer. */
  public Map<String, Object> body() {
    Map<String, Object> error = new LinkedHashMap<>();
    error.put("message", getMessage());
    error.put("type", type);
    error.put("param", param.orElse(null));
    error.put("code", code.orElse(null));
    return Map.of("error", error);
  }
}

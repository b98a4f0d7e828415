package jambic.app.data;

import jambic.tensor.text.Text;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Asks a Hugging Face hub for files: what a file is, and its bytes from any one on. The hub answers
 * for large files with a redirection to its storage and says size and checksum in {@code
 * X-Linked-Size} and {@code X-Linked-Etag}; the user's token is for the hub only.
 *
 * @param exchange how to send requests
 * @param endpoint the hub
 * @param token lets the hub know the user, where that is needed
 */
record HubClient(HttpTransfer exchange, URI endpoint, Optional<String> token) {
  private static final int MOST_REDIRECTIONS = 5;

  /**
   * A file of the hub.
   *
   * @param uri where its bytes are, for some minutes
   * @param size how many
   * @param hash what they must be, if the hub says so
   */
  record RemoteFile(URI uri, long size, Optional<ContentHash> hash) {}

  /** An answer that is neither the file nor that there is none. */
  static final class StatusException extends IOException {
    private static final long serialVersionUID = 1;

    // What the hub says in a header, as one number may mean several things.
    static final String NO_MODEL = "RepoNotFound";
    static final String NO_REVISION = "RevisionNotFound";
    static final String GATED = "GatedRepo";

    private static final Set<String> ABSENT = Set.of(NO_MODEL, NO_REVISION);
    private static final Set<Integer> BUSY = Set.of(429, 500, 502, 503, 504);
    private final int status;
    private final String code;
    private final transient Optional<Duration> retryAfter;

    StatusException(HttpResponse<?> response) {
      this(response.statusCode(), code(response), retryAfter(response.headers()));
    }

    private StatusException(int status, String code, Optional<Duration> retryAfter) {
      super(
          "the server answered "
              + status
              + retryAfter
                  .map(wait -> Text.format(", come back in %d s", wait.toSeconds()))
                  .orElse(""));
      this.status = status;
      this.code = code;
      this.retryAfter = retryAfter;
    }

    /** In seconds or at a time; what is neither counts as nothing. */
    private static Optional<Duration> retryAfter(HttpHeaders headers) {
      String value = headers.firstValue("Retry-After").orElse("").strip();
      try {
        Duration wait =
            value.matches("\\d{1,9}")
                ? Duration.ofSeconds(Long.parseLong(value))
                : Duration.between(
                    Instant.now(),
                    DateTimeFormatter.RFC_1123_DATE_TIME.parse(value, Instant::from));
        return Optional.of(wait.isNegative() ? Duration.ZERO : wait);
      } catch (DateTimeParseException e) {
        return Optional.empty();
      }
    }

    /** What the hub says is the matter, or nothing. */
    String code() {
      return code;
    }

    private static String code(HttpResponse<?> response) {
      return response.headers().firstValue("X-Error-Code").orElse("");
    }

    /** Whether the hub wants to know who asks, or does not let that user in. */
    boolean isRefusal() {
      return status == 401 || status == 403;
    }

    /** Whether it is worth to ask again: too many do, or something is broken for the moment. */
    boolean isBusy() {
      return BUSY.contains(status);
    }

    /** How long to wait before, if the server says so. */
    Optional<Duration> retryAfter() {
      return retryAfter;
    }
  }

  /** What the hub says of a file, empty if the model has none of that name. */
  Optional<RemoteFile> find(ModelId model, String name) throws IOException {
    URI uri =
        URI.create(
            String.join(
                "/",
                endpoint.toString(),
                model.repository(),
                "resolve",
                model.revision("%2F"),
                name));
    OptionalLong size = OptionalLong.empty();
    Optional<String> etag = Optional.empty();
    for (int hop = 0; hop <= MOST_REDIRECTIONS; hop++) {
      HttpResponse<Void> response =
          exchange.send(
              request(uri).HEAD().build(),
              Redirect.NEVER,
              BodyHandlers.discarding(),
              () -> 0,
              received -> {});
      int status = response.statusCode();
      HttpHeaders headers = response.headers();
      String code = StatusException.code(response);
      if (status == 404 && !StatusException.ABSENT.contains(code)) {
        return Optional.empty();
      }
      boolean page = headers.firstValue("Content-Type").orElse("").startsWith("text/html");
      if (page && code.isEmpty() && !StatusException.BUSY.contains(status)) {
        throw new IOException("a web page came, perhaps of a sign-in to the network"); // no model
      }
      boolean redirected = status >= 300 && status < 400;
      if (status != 200 && !redirected) {
        throw new StatusException(response);
      }
      size = size.isPresent() ? size : size(headers, "X-Linked-Size");
      etag = etag.or(() -> headers.firstValue("X-Linked-Etag"));
      if (!redirected) {
        size = size.isPresent() ? size : size(headers, "Content-Length");
        etag = etag.or(() -> headers.firstValue("ETag"));
      } else {
        uri = location(uri, headers);
      }
      if (!redirected || size.isPresent() && etag.isPresent()) {
        return Optional.of(
            new RemoteFile(
                uri,
                size.orElseThrow(() -> new IOException("the server does not say how long it is")),
                etag.flatMap(ContentHash::ofEtag)));
      }
    }
    throw new IOException(
        Text.format("the server redirects more than %d times", MOST_REDIRECTIONS));
  }

  private static URI location(URI from, HttpHeaders headers) throws IOException {
    try {
      URI to = from.resolve(headers.firstValue("Location").orElse(""));
      return address(to.toString()).orElseThrow(IllegalArgumentException::new);
    } catch (IllegalArgumentException e) {
      throw new IOException("the server redirects to what is no address", e);
    }
  }

  /** What an HTTP client can ask, empty if that is none. */
  static Optional<URI> address(String text) {
    try {
      URI uri = new URI(text);
      boolean web = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      return Optional.of(uri).filter(u -> web && u.getHost() != null && u.getPort() <= 65535);
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }

  private static OptionalLong size(HttpHeaders headers, String name) throws IOException {
    try {
      return headers.firstValueAsLong(name);
    } catch (NumberFormatException e) {
      throw new IOException("the server says of its length what is no number", e);
    }
  }

  /**
   * Fetches what is missing of a file, or all of it where the server answers with other bytes than
   * the missing ones.
   *
   * @param file what {@link #find} found
   * @param part holds the bytes that are there already, and takes the others
   * @param watcher is shown how many there are
   */
  void fetch(RemoteFile file, Path part, HttpTransfer.Watcher watcher) throws IOException {
    long have = length(part);
    if (!fetchFrom(have, file, part, watcher)) {
      Files.deleteIfExists(part);
      if (have == 0 || !fetchFrom(0, file, part, watcher)) {
        throw new IOException("the server sends another part of it than was asked for");
      }
    }
  }

  /** Fetches the bytes from one on; false if others came, which are dropped. */
  private boolean fetchFrom(long have, RemoteFile file, Path part, HttpTransfer.Watcher watcher)
      throws IOException {
    HttpRequest.Builder request = request(file.uri());
    if (have > 0) {
      request.header("Range", "bytes=" + have + "-");
    }
    boolean known = isHub(file.uri()) && token.isPresent(); // the token must not be sent on
    HttpResponse<Path> response =
        exchange.send(
            request.build(),
            known ? Redirect.NEVER : Redirect.NORMAL,
            into(part, have),
            () -> length(part),
            received -> {
              watcher.accept(received);
              requireRoom(received, file);
            });
    if (response.statusCode() != 200 && response.statusCode() != 206) {
      throw new StatusException(response);
    }
    if (response.statusCode() == 206 && !begins(response.headers(), have)) {
      return false;
    }
    requireRoom(length(part), file);
    return true;
  }

  private static boolean begins(HttpHeaders headers, long at) {
    return headers.firstValue("Content-Range").orElse("").startsWith("bytes " + at + "-");
  }

  /** The rest behind what is there, or the whole from a server that knows no ranges. */
  private static BodyHandler<Path> into(Path part, long have) {
    return info -> {
      if (info.statusCode() == 206 && begins(info.headers(), have)) {
        return BodyHandlers.ofFile(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.APPEND)
            .apply(info);
      }
      if (info.statusCode() == 200) {
        return BodyHandlers.ofFile(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)
            .apply(info);
      }
      return BodySubscribers.replacing(part);
    };
  }

  private static void requireRoom(long received, RemoteFile file) throws IOException {
    if (received > file.size()) {
      throw new IOException(Text.format("it is longer than %d bytes", file.size()));
    }
  }

  /** The bytes of a file, 0 if it is not there. */
  static long length(Path file) {
    return file.toFile().length();
  }

  private HttpRequest.Builder request(URI uri) {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri);
    if (isHub(uri)) {
      token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    }
    return request;
  }

  private boolean isHub(URI uri) {
    return uri.getScheme().equals(endpoint.getScheme())
        && uri.getAuthority().equals(endpoint.getAuthority());
  }
}

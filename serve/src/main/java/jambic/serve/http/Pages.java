package jambic.serve.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A fixed set of files that belong to the program, read once: no request can name another. They are
 * served without a key, because they hold nothing that is secret.
 */
public final class Pages {
  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml");

  /** What a page may do: load from here, and nothing else. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private final List<Route> routes = new ArrayList<>();

  /**
   * Adds a file.
   *
   * @param path where it is served, such as "/app.js"; HTML unless its ending says what it is
   * @param resource what {@code getResourceAsStream} of its own module gives; it is closed
   */
  public Pages with(String path, InputStream resource) {
    byte[] bytes = read(path, resource);
    String type = type(path);
    routes.add(
        Route.openGet(
            path,
            exchange -> {
              exchange.header("Content-Security-Policy", POLICY);
              exchange.header("Cache-Control", "no-cache");
              exchange.respond(200, type, bytes);
            }));
    return this;
  }

  /** The addresses of all. */
  public List<Route> routes() {
    return List.copyOf(routes);
  }

  private static byte[] read(String path, InputStream resource) {
    if (resource == null) {
      throw new IllegalStateException("there is no file for " + path);
    }
    try (resource) {
      return resource.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String type(String path) {
    String ending = path.contains(".") ? path.substring(path.lastIndexOf('.') + 1) : "html";
    return Optional.ofNullable(TYPES.get(ending))
        .orElseThrow(() -> new IllegalStateException("what type is " + path + "?"));
  }
}

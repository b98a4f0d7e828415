package jambic.serve.http;

import jambic.model.io.ErrorText;
import jambic.tensor.text.Text;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who may ask. A page of another server can make a browser ask this one: its origin gives it away,
 * or, where its name was made to point here (DNS rebinding), the name that it asks for.
 */
final class AccessRules {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "::1");
  private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*");
  private static final String BEARER = "bearer ";

  private final WebOptions options;

  AccessRules(WebOptions options) {
    this.options = options;
  }

  /** Whether only this machine reaches an address. */
  static boolean isLoopback(String host) {
    return LOOPBACK.contains(host) || host.matches("127\\.[0-9.]+");
  }

  /** Refuses a name that this server is not known by; an address cannot be made to point here. */
  void checkHost(Optional<String> header) {
    String host = header.map(AccessRules::withoutPort).orElse("");
    boolean known =
        LOOPBACK.contains(host)
            || host.equalsIgnoreCase(options.host())
            || options.allowedHosts().contains(host)
            || !isLoopback(options.host()) && ADDRESS.matcher(host).matches();
    if (!known) {
      throw HttpError.of(
              403,
              Text.format(
                  "this server does not answer to the name %s; who runs it can allow it (jambic serve --allow-host)",
                  ErrorText.quote(host)))
          .withCode("forbidden_host");
    }
  }

  /**
   * Refuses pages of other servers.
   *
   * @return the origin, if it is another one that is allowed
   */
  Optional<String> checkOrigin(Optional<String> origin, Optional<String> host, boolean secure) {
    if (origin.isEmpty()) {
      return Optional.empty();
    }
    String given = origin.get();
    String scheme = secure ? "https://" : "http://";
    if (host.isPresent() && given.equalsIgnoreCase(scheme + host.get())) {
      return Optional.empty();
    }
    if (!options.allowedOrigins().contains(given)) {
      throw HttpError.of(
              403,
              Text.format(
                  "pages of %s may not ask here; who runs the server can allow it (jambic serve --allow-origin)",
                  ErrorText.quote(given)))
          .withCode("forbidden_origin");
    }
    return origin;
  }

  /** Refuses clients without the key, if there is one. */
  void checkKey(Optional<String> authorization) {
    if (options.apiKey().isEmpty()) {
      return;
    }
    String given = authorization.orElse("");
    boolean bearer = given.toLowerCase(Locale.ROOT).startsWith(BEARER);
    byte[] key = bytes(bearer ? given.substring(BEARER.length()).strip() : "");
    if (!MessageDigest.isEqual(key, bytes(options.apiKey().get()))) {
      throw HttpError.of(
              401,
              given.isEmpty()
                  ? "an API key is needed: Authorization: Bearer KEY"
                  : "the API key is wrong")
          .withType("authentication_error")
          .withCode("invalid_api_key");
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String withoutPort(String header) {
    String host = header.toLowerCase(Locale.ROOT).replaceFirst(":[0-9]*$", "");
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }
}

package jambic.serve.http;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Where and for whom a server listens. This machine alone by default; another address needs a key.
 *
 * @param host the address to bind
 * @param port the port; 0 for one that is free
 * @param apiKey what clients send as {@code Authorization: Bearer}
 * @param allowedHosts names that clients may call this server by, besides its addresses
 * @param allowedOrigins pages of other servers that may use this one, as https://example.org
 * @param maxBody the most bytes of a request
 * @param writeTimeout how long a client may take nothing of what is written to it
 * @param tls the certificate, for https
 */
public record WebOptions(
    String host,
    int port,
    Optional<String> apiKey,
    Set<String> allowedHosts,
    Set<String> allowedOrigins,
    int maxBody,
    Duration writeTimeout,
    Optional<Tls> tls) {
  /** This machine alone, at port 8080. */
  public static final WebOptions DEFAULT =
      new WebOptions(
          "127.0.0.1",
          8080,
          Optional.empty(),
          Set.of(),
          Set.of(),
          1 << 20,
          Duration.ofSeconds(30),
          Optional.empty());

  /**
   * A certificate and its key.
   *
   * @param certificate the chain, PEM
   * @param key PKCS#8, PEM, without a password
   */
  public record Tls(Path certificate, Path key) {}

  /**
   * Checks the values.
   *
   * @throws JambicException if one is out of its range, or another than a loopback address has no
   *     key
   */
  public WebOptions {
    allowedHosts = Set.copyOf(allowedHosts);
    allowedOrigins = Set.copyOf(allowedOrigins);
    if (port < 0 || port > 65_535) {
      throw new JambicException("port must be from 0 to 65535, not " + port);
    }
    if (maxBody < 1) {
      throw new JambicException("max-body must be at least 1 byte, not " + maxBody);
    }
    if (writeTimeout.toMillis() < 100) {
      throw new JambicException("write-timeout must be at least 0.1 s, not " + writeTimeout);
    }
    if (apiKey.isPresent() && !apiKey.get().chars().allMatch(c -> c > ' ' && c < 127)) {
      throw new JambicException("an API key is made of visible ASCII characters");
    }
    if (apiKey.isPresent() && apiKey.get().isEmpty()) {
      throw new JambicException("the API key is empty");
    }
    if (apiKey.isEmpty() && !AccessRules.isLoopback(host)) {
      throw new JambicException(
          Text.format(
              "host %s can be reached from other machines, so an API key is needed; give one, or listen on 127.0.0.1",
              host));
    }
  }

  /** The same at another port. */
  public WebOptions withPort(int other) {
    return new WebOptions(
        host, other, apiKey, allowedHosts, allowedOrigins, maxBody, writeTimeout, tls);
  }

  /** The same for clients with a key only. */
  public WebOptions withApiKey(String key) {
    return new WebOptions(
        host, port, Optional.of(key), allowedHosts, allowedOrigins, maxBody, writeTimeout, tls);
  }

  /** The same with another limit for slow readers. */
  public WebOptions withWriteTimeout(Duration timeout) {
    return new WebOptions(host, port, apiKey, allowedHosts, allowedOrigins, maxBody, timeout, tls);
  }
}

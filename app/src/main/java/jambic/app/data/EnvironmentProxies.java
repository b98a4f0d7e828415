package jambic.app.data;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Proxies as command lines name them: {@code https_proxy}, {@code http_proxy}, {@code all_proxy}
 * and {@code no_proxy}, in small or capital letters. Java itself looks at its own properties only.
 */
final class EnvironmentProxies extends ProxySelector {
  private final Map<String, String> environment;

  private EnvironmentProxies(Map<String, String> environment) {
    this.environment = environment;
  }

  /** Java's own proxies if its properties name one, else the environment's. */
  static ProxySelector of(Map<String, String> environment) {
    boolean configured =
        System.getProperty("https.proxyHost") != null
            || System.getProperty("http.proxyHost") != null
            || Boolean.getBoolean("java.net.useSystemProxies");
    return configured ? ProxySelector.getDefault() : new EnvironmentProxies(environment);
  }

  @Override
  public List<Proxy> select(URI uri) {
    String proxy = variable(uri.getScheme() + "_proxy");
    if (proxy.isEmpty()) {
      proxy = variable("all_proxy");
    }
    return List.of(proxy.isEmpty() || excepted(uri.getHost()) ? Proxy.NO_PROXY : parse(proxy));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The download reports the failure itself.
  }

  private String variable(String name) {
    String small = environment.getOrDefault(name, "");
    return small.isEmpty() ? environment.getOrDefault(name.toUpperCase(Locale.ROOT), "") : small;
  }

  /** {@code no_proxy} is a list of hosts and domains, with or without a dot in front; * is all. */
  private boolean excepted(String host) {
    return Arrays.stream(variable("no_proxy").split("[,\\s]+"))
        .filter(entry -> !entry.isEmpty())
        .map(entry -> entry.replaceFirst("^\\*?\\.", ""))
        .anyMatch(entry -> entry.equals("*") || host.equals(entry) || host.endsWith("." + entry));
  }

  private static Proxy parse(String proxy) {
    try {
      URI uri = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
      int port = uri.getPort() >= 0 ? uri.getPort() : 80;
      // Not resolved here: the client does that, and reports it if it fails.
      return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(uri.getHost(), port));
    } catch (IllegalArgumentException e) { // also of a URI without a host
      throw new JambicException(
          Text.format("the environment's proxy \"%s\" is not of the form http://HOST:PORT", proxy),
          e);
    }
  }
}

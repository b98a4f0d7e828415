package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentProxiesTest {
  private static final String URI_TO_FETCH = "https://raw.example.org/input.txt";

  @ParameterizedTest
  @CsvSource({
    "https_proxy, http://proxy:3128, proxy, 3128",
    "HTTPS_PROXY, http://proxy:3128/, proxy, 3128",
    "all_proxy, proxy:8080, proxy, 8080",
    "ALL_PROXY, http://proxy, proxy, 80",
    "https_proxy, http://user:secret@10.0.0.1:1, 10.0.0.1, 1",
  })
  void aProxyIsTakenFromTheEnvironment(String name, String value, String host, int port) {
    assertThat(select(Map.of(name, value)))
        .isEqualTo(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(host, port)));
  }

  @Test
  void noProxyIsNoProxy() {
    assertThat(select(Map.of())).isEqualTo(Proxy.NO_PROXY);
    assertThat(select(Map.of("http_proxy", "http://proxy:1"))).isEqualTo(Proxy.NO_PROXY);
    assertThat(select(Map.of("https_proxy", ""))).isEqualTo(Proxy.NO_PROXY);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "raw.example.org | true",
        "localhost,example.org | true",
        "localhost, .example.org | true",
        "*.example.org | true",
        "* | true",
        "ample.org | false",
        "other.raw.example.org | false",
        "localhost | false",
      })
  void hostsCanBeExcepted(String exceptions, boolean direct) {
    Proxy proxy = select(Map.of("https_proxy", "http://proxy:1", "no_proxy", exceptions));
    assertThat(proxy.equals(Proxy.NO_PROXY)).isEqualTo(direct);
  }

  @Test
  void aProxyThatIsNoneIsNamed() {
    assertThatThrownBy(() -> select(Map.of("https_proxy", "http://a b")))
        .isInstanceOf(JambicException.class)
        .hasMessage("the environment's proxy \"http://a b\" is not of the form http://HOST:PORT");
    assertThatThrownBy(() -> select(Map.of("https_proxy", "http://:80")))
        .isInstanceOf(JambicException.class);
  }

  private static Proxy select(Map<String, String> environment) {
    return EnvironmentProxies.of(environment).select(URI.create(URI_TO_FETCH)).getFirst();
  }
}

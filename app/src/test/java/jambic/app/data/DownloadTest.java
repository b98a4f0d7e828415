package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DownloadTest {
  private static final byte[] FILE = "To be, or not to be\n".repeat(5000).getBytes();

  private final Download download =
      new Download(EnvironmentProxies.of(Map.of()), Duration.ofSeconds(10));

  @Test
  void bringsTheFile() throws IOException {
    try (var server = new LoopbackServer(LoopbackServer.answer("200 OK", FILE.length, FILE))) {
      assertThat(download.fetch(remote(server.uri()), received -> {})).isEqualTo(FILE);
    }
  }

  @Test
  void tellsHowFarItIs() throws IOException {
    List<Long> progress = new ArrayList<>();
    LoopbackServer.Answer slow =
        out -> {
          int half = FILE.length / 2;
          byte[] start = Arrays.copyOf(FILE, half);
          LoopbackServer.answer("200 OK", FILE.length, start).writeTo(out);
          out.flush();
          Thread.sleep(400);
          out.write(FILE, half, FILE.length - half);
        };
    try (var server = new LoopbackServer(slow)) {
      assertThat(download.fetch(remote(server.uri()), progress::add)).isEqualTo(FILE);
    }
    assertThat(progress).contains(FILE.length / 2L).isSorted();
  }

  @Test
  void followsARedirect() throws IOException {
    try (var target = new LoopbackServer(LoopbackServer.answer("200 OK", FILE.length, FILE));
        var server =
            new LoopbackServer(
                LoopbackServer.answer("302 Found\r\nLocation: " + target.uri(), 0, new byte[0]))) {
      assertThat(download.fetch(remote(server.uri()), received -> {})).isEqualTo(FILE);
    }
  }

  @Test
  void goesThroughAProxy() throws IOException {
    try (var proxy = new LoopbackServer(LoopbackServer.answer("200 OK", FILE.length, FILE))) {
      ProxySelector proxies =
          EnvironmentProxies.of(Map.of("http_proxy", "http://127.0.0.1:" + proxy.port()));
      URI uri = URI.create("http://texts.invalid/input.txt");
      byte[] bytes = new Download(proxies, Duration.ofSeconds(10)).fetch(remote(uri), n -> {});
      assertThat(bytes).isEqualTo(FILE);
      assertThat(proxy.requests()).containsExactly("GET http://texts.invalid/input.txt HTTP/1.1");
    }
  }

  @Test
  void refusesAnotherFile() throws IOException {
    byte[] other = FILE.clone();
    other[777] ^= 1;
    refuses(
        LoopbackServer.answer("200 OK", other.length, other),
        "what came is another file, of SHA-256 " + Sha256.of(other) + " instead of ");
  }

  @Test
  void refusesAShorterFile() throws IOException {
    byte[] page = "Please log in to this network".getBytes(StandardCharsets.UTF_8);
    refuses(LoopbackServer.answer("200 OK", page.length, page), "29 bytes came instead of 100000");
  }

  @Test
  void stopsAtALongerFile() throws IOException {
    LoopbackServer.Answer endless =
        out -> {
          LoopbackServer.answer("200 OK", Integer.MAX_VALUE, FILE).writeTo(out);
          while (true) { // until the client hangs up
            out.write(FILE);
            Thread.sleep(10);
          }
        };
    refuses(endless, "it is longer than 100000 bytes");
  }

  @Test
  void namesAnErrorStatus() throws IOException {
    byte[] page = "404: Not Found".repeat(100_000).getBytes();
    refuses(LoopbackServer.answer("404 Not Found", page.length, page), "the server answered 404");
  }

  @Test
  void noticesACutConnection() throws IOException {
    byte[] half = Arrays.copyOf(FILE, FILE.length / 2);
    refuses(
        LoopbackServer.answer("200 OK", FILE.length, half),
        "the connection broke off after 50000 of 100000 bytes");
  }

  @Test
  void noticesSilence() throws IOException {
    LoopbackServer.Answer stalling =
        out -> {
          LoopbackServer.answer("200 OK", FILE.length, new byte[10]).writeTo(out);
          out.flush();
          Thread.sleep(20_000);
        };
    try (var server = new LoopbackServer(stalling)) {
      Download impatient = new Download(download.proxies(), Duration.ofSeconds(1));
      assertThatThrownBy(() -> impatient.fetch(remote(server.uri()), received -> {}))
          .isInstanceOf(JambicException.class)
          .hasMessage("cannot download " + server.uri() + ": nothing came for 1 s");
    }
  }

  @Test
  void noticesThatNobodyListens() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort(); // free again when this block ends
    }
    URI uri = URI.create("http://127.0.0.1:" + port + "/input.txt");
    assertThatThrownBy(() -> download.fetch(remote(uri), received -> {}))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot download " + uri + ": no connection");
  }

  private void refuses(LoopbackServer.Answer answer, String why) throws IOException {
    try (var server = new LoopbackServer(answer)) {
      assertThatThrownBy(() -> download.fetch(remote(server.uri()), received -> {}))
          .isInstanceOf(JambicException.class)
          .hasMessageStartingWith("cannot download " + server.uri() + ": ")
          .hasMessageContaining(why);
    }
  }

  private static Download.Remote remote(URI uri) {
    return new Download.Remote(uri, FILE.length, Sha256.of(FILE));
  }
}

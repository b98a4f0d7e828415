package jambic.browser;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Chromium without a window, driven by the W3C's WebDriver protocol. */
public final class Browser implements AutoCloseable {
  private static final Pattern PORT = Pattern.compile("started successfully on port (\\d+)");
  private static final String AXE = "axe.min.js";
  private static final String ASK =
      ";const told = arguments[arguments.length - 1];"
          + "axe.run().then(r => told(r.violations.flatMap(v => v.nodes.map(n =>"
          + " v.id + ': ' + n.target + ' ' + n.failureSummary))), e => told([String(e)]));";
  private static final String ENTER = "\uE007";

  private final Process driver;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String base;
  private final String session;

  private Browser(Path chromium, Path chromedriver) throws IOException {
    driver =
        new ProcessBuilder(chromedriver.toString(), "--port=0").redirectErrorStream(true).start();
    base = "http://127.0.0.1:" + port();
    Map<String, Object> options =
        Map.of(
            "binary",
            chromium.toString(),
            "args",
            List.of("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"));
    Map<String, Object> wanted =
        Map.of(
            "browserName",
            "chrome",
            "goog:chromeOptions",
            options,
            "goog:loggingPrefs",
            Map.of("browser", "ALL"));
    Object made = post("/session", Map.of("capabilities", Map.of("alwaysMatch", wanted)));
    session = "/session/" + ((Map<?, ?>) made).get("sessionId");
  }

  /** A browser, where Debian's packages chromium and chromium-driver are. */
  public static Optional<Browser> find() throws IOException {
    Optional<Path> chromium = program("chromium");
    Optional<Path> chromedriver = program("chromedriver");
    return chromium.isEmpty() || chromedriver.isEmpty()
        ? Optional.empty()
        : Optional.of(new Browser(chromium.get(), chromedriver.get()));
  }

  private static Optional<Path> program(String name) {
    return Stream.of("/usr/bin", "/usr/local/bin")
        .map(folder -> Path.of(folder, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private String port() throws IOException {
    StringBuilder said = new StringBuilder();
    for (int c = driver.getInputStream().read(); c >= 0; c = driver.getInputStream().read()) {
      said.append((char) c);
      Matcher port = PORT.matcher(said);
      if (c == '.' && port.find()) {
        return port.group(1);
      }
    }
    throw new IOException("chromedriver did not start: " + said);
  }

  /** Opens a page. */
  public void open(URI page) {
    post(session + "/url", Map.of("url", page.toString()));
  }

  /** The value of a JavaScript function's body. */
  public Object run(String script) {
    return post(session + "/execute/sync", Map.of("script", script, "args", List.of()));
  }

  /** Waits until an expression is true. */
  public void await(String expression) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!Boolean.TRUE.equals(run("return !!(" + expression + ")"))) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never true: " + expression);
      }
      Thread.sleep(50);
    }
  }

  /** Types into an element; {@code Ctrl+Enter} afterwards if it is to be sent. */
  public void type(String selector, String text, boolean send) {
    Object element =
        ((Map<?, ?>) post(session + "/element", Map.of("using", "css selector", "value", selector)))
            .values()
            .iterator()
            .next();
    String keys = send ? text + "\uE009" + ENTER : text;
    post(session + "/element/" + element + "/value", Map.of("text", keys));
  }

  /** What the console says of errors, of the policy's too. */
  public List<?> console() {
    return (List<?>) post(session + "/se/log", Map.of("type", "browser"));
  }

  /** Shows pages as to those who prefer dark ones. */
  public void emulateDark() {
    chrome(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
  }

  /** Shows pages in a window of a width, such as a telephone's. */
  public void resize(int width) {
    chrome(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
  }

  /** A picture of the whole page, as a PNG. */
  public byte[] screenshot() {
    Object made =
        chrome("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true));
    return Base64.getDecoder().decode(((Map<?, ?>) made).get("data").toString());
  }

  /** What axe-core finds wrong with a page for those who see, hear or point otherwise. */
  public List<String> violations() throws IOException {
    try (InputStream axe = ClassLoader.getSystemResourceAsStream(AXE)) {
      String source = new String(axe.readAllBytes(), StandardCharsets.UTF_8);
      Map<String, Object> checked = Map.of("script", source + ASK, "args", List.of());
      return ((List<?>) post(session + "/execute/async", checked))
          .stream().map(String::valueOf).toList();
    }
  }

  /** Presses the Tab key, and tells which element has the focus then. */
  public String tab() {
    for (String type : List.of("keyDown", "keyUp")) {
      chrome(
          "Input.dispatchKeyEvent",
          Map.of("type", type, "key", "Tab", "code", "Tab", "windowsVirtualKeyCode", 9));
    }
    return (String) run("return document.activeElement.id || document.activeElement.tagName");
  }

  private Object chrome(String command, Map<String, ?> parameters) {
    return post(session + "/goog/cdp/execute", Map.of("cmd", command, "params", parameters));
  }

  private Object post(String path, Map<String, ?> body) {
    try {
      return send(path, "POST", JSON.std.asString(body));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Object send(String path, String method, String body) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + path))
            .header("Content-Type", "application/json")
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    try {
      HttpResponse<String> response =
          client.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
      if (response.statusCode() != 200) {
        throw new AssertionError(response.body());
      }
      return JSON.std.mapFrom(response.body()).get("value");
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    send(session, "DELETE", "");
    driver.destroy();
    try {
      driver.waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    client.close();
  }
}

package jambic.app.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.CommandLineCall;
import jambic.train.run.RunLock;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunPagesTest {
  private static final String MARKUP = "<img src=x onerror=alert(1)>";

  @TempDir private Path folder;

  private Path runs;
  private WatchServer server;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeEach
  void serve() throws IOException {
    runs = Files.createDirectories(folder.resolve("runs"));
    Files.createDirectories(folder.resolve("outside"));
    Files.writeString(folder.resolve("outside/run.json"), "{}");
    server = WatchServer.start(runs, 0);
  }

  @AfterEach
  void close() {
    server.close();
    client.close();
  }

  @Test
  void theRunsAreListedWithTheirStateAndSettings() throws Exception {
    train("one");
    List<?> all = (List<?>) object("/api/runs").get("runs");
    assertThat(all).hasSize(1);
    Map<?, ?> run = (Map<?, ?>) all.getFirst();
    assertThat(run.get("run")).isEqualTo("one");
    assertThat(run.get("state")).isEqualTo("finished");
    assertThat(run.get("iteration")).isEqualTo(3);
    assertThat(run.get("max_iters")).isEqualTo(3);
    assertThat(map(run.get("newest"))).containsKeys("loss", "val_loss");
    assertThat(run.get("metrics").toString()).contains("loss, lr", "val_loss");
    assertThat(map(run.get("settings")))
        .containsEntry("nEmbd", 8)
        .containsEntry("backend", "cpu")
        .containsEntry("command", "train");
  }

  @Test
  void aRunThatIsTrainedNowIsSaidToRunAndHowFarItIs() throws Exception {
    train("one");
    Files.writeString(
        runs.resolve("one/metrics.jsonl"), "{\"iter\":7,\"ms\":1}\n", StandardOpenOption.APPEND);
    try (RunLock lock = RunLock.ofRun(runs.resolve("one"))) {
      assertThat(lock).isNotNull();
      Map<?, ?> run = (Map<?, ?>) ((List<?>) object("/api/runs").get("runs")).getFirst();
      assertThat(run.get("state")).isEqualTo("running");
      assertThat(run.get("iteration")).isEqualTo(8);
    }
  }

  @Test
  void aRunBeforeItsFirstCheckpointIsListed() throws Exception {
    train("one");
    Path early = Files.createDirectories(runs.resolve("early"));
    Files.copy(runs.resolve("one/run.json"), early.resolve("run.json"));
    log("early", 0, 5);
    assertThat(object("/api/runs").toString()).contains("run=early, command=train, state=stopped");
  }

  @Test
  void aDamagedRunIsListedWithWhatIsWrong() throws Exception {
    Files.createDirectories(runs.resolve("torn"));
    Files.writeString(runs.resolve("torn/run.json"), "{");
    log("torn", 0, 5);
    Map<?, ?> run = (Map<?, ?>) ((List<?>) object("/api/runs").get("runs")).getFirst();
    assertThat(run.get("state")).isEqualTo("damaged");
    assertThat(run.get("problem").toString()).contains("run.json is damaged");
    assertThat(x("torn", "loss")).hasSize(5);
  }

  @Test
  void aCurveIsThinnedOutToTwoThousandPoints() throws Exception {
    log("long", 0, 5_000);
    List<?> iters = x("long", "loss");
    assertThat(iters).hasSizeBetween(1_000, 2_000);
    assertThat(iters.getFirst()).isEqualTo(0);
    assertThat(iters.getLast()).isEqualTo(4_999);
    assertThat((List<?>) object(curve("long", "loss") + "&from=100&to=199").get("x")).hasSize(100);
    assertThat(x("long", "nothing")).isEmpty();
    assertThat((List<?>) object(curve("long", "loss") + "&to=1&smoothing=0.5").get("y"))
        .isEqualTo(List.of(1.0, 1.05));
    assertThat(get(curve("long", "loss") + "&smoothing=1").statusCode()).isEqualTo(400);
    assertThat(get(curve("long", "loss") + "&from=x").statusCode()).isEqualTo(400);
    assertThat(get("/api/runs/curve?run=long").statusCode()).isEqualTo(400);
  }

  @Test
  void newLinesAreSentWithinASecond() throws Exception {
    log("live", 0, 3);
    try (Events events = new Events()) {
      assertThat(events.next()).containsEntry("ready", true);
      long start = System.nanoTime();
      log("live", 3, 4);
      Map<String, Object> event = events.next();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
      assertThat(event).containsEntry("run", "live");
      assertThat(event.get("points")).isEqualTo(Map.of("loss", List.of(List.of(3), List.of(1.3))));
    }
  }

  @Test
  void aRewrittenLogIsToBeLoadedAgain() throws Exception {
    log("live", 0, 300);
    try (Events events = new Events()) {
      assertThat(events.next()).containsEntry("ready", true);
      Files.delete(runs.resolve("live/metrics.jsonl"));
      log("live", 0, 100);
      assertThat(events.next()).containsEntry("run", "live").containsEntry("reload", true);
      assertThat(x("live", "loss")).hasSize(100);
    }
  }

  @Test
  void aNewRunChangesTheList() throws Exception {
    try (Events events = new Events()) {
      assertThat(events.next()).containsEntry("ready", true);
      log("later", 0, 3);
      assertThat(events.next()).containsEntry("changed", true);
      assertThat(object("/api/runs").toString()).contains("later");
    }
  }

  @Test
  void thePageMayOnlyLoadFromItsServer() throws Exception {
    HttpResponse<String> page = get("/runs");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
    assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
        .contains("default-src 'none'", "script-src 'self'", "style-src 'self'")
        .doesNotContain("unsafe");
    assertThat(page.body()).doesNotContain("http:", "https:", "style=", "onclick");
    List<String> files =
        page.body()
            .lines()
            .filter(line -> line.contains("/runs/"))
            .map(RunPagesTest::linked)
            .toList();
    assertThat(files).hasSize(5).contains("/runs/uplot.js", "/runs/runs.js");
    for (String file : files) {
      assertThat(get(file).statusCode()).as(file).isEqualTo(200);
    }
    assertThat(get("/").headers().firstValue("Location")).hasValue("/runs");
  }

  private static String linked(String line) {
    return line.replaceFirst(".*\"(/runs/[^\"]*)\".*", "$1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "..",
        "../outside",
        "/etc",
        "live/../../outside",
        "..\\outside",
        "",
        ".",
        "live/",
        "live\u0000"
      })
  void aNameLeadsToNoOtherFolder(String name) throws Exception {
    log("live", 0, 3);
    for (String path : List.of("/api/runs/curve?metric=loss&run=", "/api/runs/samples?run=")) {
      assertThat(get(path + encoded(name)).statusCode()).isEqualTo(404);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/runs/../../../etc/passwd",
        "/runs/%2e%2e/%2e%2e/run.json",
        "/runs/RunPages.class",
        "/runs/uplot.LICENSE",
        "/runs/",
        "/api/runs/live/metrics.jsonl",
        "/runs/live/metrics.jsonl"
      })
  void onlyTheFilesOfThePageAreServed(String path) throws Exception {
    log("live", 0, 3);
    assertThat(get(path).statusCode()).isEqualTo(404);
  }

  @Test
  void markupInNamesAndSamplesIsSentAsTextOnly() throws Exception {
    log(MARKUP, 0, 3);
    Files.writeString(
        runs.resolve(MARKUP).resolve("samples.jsonl"),
        """
        {"iter":1,"prompt":"old","answer":"old"}
        {"iter":2,"prompt":"<b>q</b>","answer":"<script>alert(1)</script>","score":0.5}
        {"iter":2,"prompt":"next","answer":"cut
        """
            .stripTrailing());
    HttpResponse<String> list = get("/api/runs");
    assertThat(list.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(list.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
    assertThat(list.body()).contains("onerror");
    List<?> samples = (List<?>) object("/api/runs/samples?run=" + encoded(MARKUP)).get("samples");
    assertThat(samples).hasSize(1);
    assertThat(((Map<?, ?>) samples.getFirst()).get("answer"))
        .isEqualTo("<script>alert(1)</script>");
    for (String script : List.of("runs.js", "charts.js", "tables.js", "api.js")) {
      assertThat(get("/runs/" + script).body())
          .as(script)
          .doesNotContain(
              "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(");
    }
  }

  @Test
  @Timeout(60)
  void ofTenRunsOfAHundredThousandLinesLittleIsSent() throws Exception {
    String lines =
        IntStream.range(0, 100_000)
            .mapToObj(i ->
                "{\"iter\":%d,\"loss\":%s,\"lr\":0.001,\"grad_norm\":1.9022445678710938,\"ms\":8.313,\"tokens_per_s\":30796.6,\"mfu\":0.0843}\n"
                    .formatted(i, 2 + 1.0 / (i + 3)))
            .reduce(new StringBuilder(), StringBuilder::append, StringBuilder::append)
            .toString();
    for (int run = 0; run < 10; run++) {
      Path path = Files.createDirectories(runs.resolve("run-" + run));
      Files.writeString(path.resolve("run.json"), "{}");
      Files.writeString(path.resolve("metrics.jsonl"), lines);
    }
    Duration first = timeOf(() -> get("/api/runs"));
    int sent = get("/api/runs").body().length();
    long start = System.nanoTime();
    for (int run = 0; run < 10; run++) {
      assertThat(x("run-" + run, "loss")).hasSizeBetween(1_000, 2_000);
      sent += get(curve("run-" + run, "loss")).body().length();
    }
    Duration then = Duration.ofNanos(System.nanoTime() - start);
    System.out.println(
        "ten runs of 100,000 lines: list after " + first + ", curves " + then + " later");
    assertThat(sent).isLessThan(600_000); // of 126 MB
  }

  private interface Call {
    void run() throws Exception;
  }

  private static Duration timeOf(Call call) throws Exception {
    long start = System.nanoTime();
    call.run();
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** Events as they come. */
  private final class Events implements AutoCloseable {
    private final InputStream body;
    private final BufferedReader lines;

    Events() throws Exception {
      HttpRequest request = HttpRequest.newBuilder(address("/api/runs/events")).build();
      body = client.send(request, BodyHandlers.ofInputStream()).body();
      lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    Map<String, Object> next() throws IOException {
      String line = lines.readLine();
      while (!line.startsWith("data: ")) {
        line = lines.readLine();
      }
      return JSON.std.mapFrom(line.substring("data: ".length()));
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  private List<?> x(String run, String metric) throws Exception {
    return (List<?>) object(curve(run, metric)).get("x");
  }

  private static String curve(String run, String metric) {
    return "/api/runs/curve?run=" + encoded(run) + "&metric=" + metric;
  }

  private static String encoded(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8);
  }

  private Map<String, Object> object(String path) throws Exception {
    HttpResponse<String> response = get(path);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JSON.std.mapFrom(response.body());
  }

  private HttpResponse<String> get(String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(address(path)).timeout(Duration.ofSeconds(20)).build();
    return client.send(request, BodyHandlers.ofString());
  }

  private URI address(String path) {
    return URI.create(server.page().toString().replaceFirst("/runs$", "") + path);
  }

  /** Appends steps to a log whose loss is 1 and a tenth of the iteration. */
  private void log(String run, int from, int to) throws IOException {
    Path path = Files.createDirectories(runs.resolve(run));
    if (!Files.exists(path.resolve("run.json"))) {
      Files.writeString(path.resolve("run.json"), "{}");
    }
    StringBuilder lines = new StringBuilder();
    for (int i = from; i < to; i++) {
      lines.append("{\"iter\":").append(i).append(",\"loss\":").append(1 + i / 10.0).append("}\n");
    }
    Files.writeString(
        path.resolve("metrics.jsonl"), lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private void train(String name) throws IOException {
    Path text = folder.resolve("input.txt");
    Files.writeString(text, "to be or not to be, that is the question. ".repeat(20));
    CommandLineCall call =
        CommandLineCall.of(
            "train",
            "--data=" + text,
            "--out=" + runs.resolve(name),
            "--backend=cpu",
            "--n-layer=1",
            "--n-head=2",
            "--n-embd=8",
            "--block-size=8",
            "--batch-size=2",
            "--max-iters=3",
            "--eval-interval=3",
            "--eval-iters=1");
    assertThat(call.code()).as(call.err()).isZero();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }
}

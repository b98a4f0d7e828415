package jambic.serve;

import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import jambic.serve.http.WebOptions;
import jambic.serve.model.EngineOptions;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class StatusTest {
  private static final Pattern SAMPLE =
      Pattern.compile(
          "([a-z_0-9]+)\\{([a-z_]+=\"(\\\\.|[^\"\\\\])*\",?)+\\} [0-9.eE+-]+|# (HELP|TYPE) .+");

  @Test
  void figuresAreInPrometheusFormatAndCount() {
    TinyModel model = new TinyModel();
    try (TestServer server =
        TestServer.start(model, model.served(), model.served("a \"quoted\" \\ name"))) {
      server.post(COMPLETIONS, Map.of("model", "tiny", "prompt", "abc", "max_tokens", 20));
      HttpResponse<String> response = server.get("/metrics");
      assertThat(response.headers().firstValue("Content-Type").orElseThrow())
          .startsWith("text/plain; version=0.0.4");
      String text = response.body();
      assertThat(text.lines()).allMatch(line -> SAMPLE.matcher(line).matches());
      assertThat(text).endsWith("\n");
      Set<String> families = new HashSet<>();
      text.lines()
          .filter(line -> line.startsWith("# TYPE "))
          .forEach(line -> assertThat(families.add(line)).as(line).isTrue());
      for (String name :
          List.of(
              "num_requests_running",
              "num_requests_waiting",
              "kv_cache_usage_perc",
              "prompt_tokens_total",
              "generation_tokens_total",
              "request_success_total",
              "time_to_first_token_seconds",
              "inter_token_latency_seconds",
              "e2e_request_latency_seconds",
              "request_queue_time_seconds")) {
        assertThat(text)
            .contains("# TYPE jambic_" + name + " ")
            .contains("# HELP jambic_" + name + " ");
      }
      assertThat(
              server.metric(
                  "jambic_request_success_total{model_name=\"tiny\",finished_reason=\"length\"}"))
          .isEqualTo(1);
      assertThat(server.metric("jambic_time_to_first_token_seconds_count{model_name=\"tiny\"}"))
          .isEqualTo(1);
      assertThat(
              server.metric(
                  "jambic_time_to_first_token_seconds_bucket{model_name=\"tiny\",le=\"+Inf\"}"))
          .isEqualTo(1);
      assertThat(server.metric("jambic_inter_token_latency_seconds_count{model_name=\"tiny\"}"))
          .isEqualTo(19);
      assertThat(server.metric("jambic_request_queue_time_seconds_count{model_name=\"tiny\"}"))
          .isEqualTo(1);
      assertThat(server.metric("jambic_prompt_tokens_total")).isEqualTo(3);
      assertThat(server.metric("jambic_generation_tokens_total")).isEqualTo(20);
    }
  }

  @Test
  void gettingWarmDoesNotCount() {
    try (TestServer server = TestServer.start()) {
      assertThat(
              server
                  .get("/metrics")
                  .body()
                  .lines()
                  .filter(line -> !line.startsWith("#"))
                  .filter(line -> !line.endsWith(" 0")))
          .isEmpty();
    }
  }

  @Test
  void whoWaitsBehindOthersHasAQueueTime() {
    EngineOptions one = EngineOptions.DEFAULT.withBatch(1);
    try (TestServer server = TestServer.start(WebOptions.DEFAULT, one)) {
      server.post(COMPLETIONS, Map.of("prompt", "abc", "max_tokens", 100, "n", 3));
      double all = server.metric("jambic_e2e_request_latency_seconds_sum");
      double queued = server.metric("jambic_request_queue_time_seconds_sum");
      // The second waits for the first, the third for both: half of all their time, about.
      assertThat(queued).isBetween(0.3 * all, 0.7 * all);
      assertThat(server.metric("jambic_request_queue_time_seconds_count")).isEqualTo(3);
    }
  }

  @Test
  void aRecordingHasEachRequest(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("serve.jfr");
    try (TestServer server = TestServer.start();
        Recording recording = new Recording()) {
      recording.enable("jambic.Request");
      recording.start();
      server.post(COMPLETIONS, Map.of("prompt", "abc", "max_tokens", 20));
      server.post(COMPLETIONS, Map.of("prompt", "abcde", "max_tokens", 0));
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().equals("jambic.Request"))
            .toList();
    assertThat(events).hasSize(2);
    RecordedEvent event = events.getFirst();
    assertThat(event.getString("model")).isEqualTo("tiny");
    assertThat(event.getInt("promptTokens")).isEqualTo(3);
    assertThat(event.getInt("tokens")).isEqualTo(20);
    assertThat(event.getString("finishReason")).isEqualTo("length");
    Duration queued = event.getDuration("queueTime");
    Duration first = event.getDuration("timeToFirstToken");
    assertThat(queued).isPositive().isLessThan(first);
    assertThat(first).isLessThan(event.getDuration());
    assertThat(events.getLast().getInt("tokens")).isZero();
    assertThat(events.getLast().getDuration("timeToFirstToken")).isNegative();
  }

  @Test
  void healthIsGoodOnceTheServerHasStarted() {
    try (TestServer server = TestServer.start()) {
      assertThat(server.getJson("/health").json()).containsEntry("status", "ok");
    }
  }

  @Test
  void thePagesBelongToTheProgramAndMayAskNobodyElse() {
    try (TestServer server = TestServer.start()) {
      HttpResponse<String> page = server.get("/");
      assertThat(page.statusCode()).isEqualTo(200);
      assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
          .startsWith("default-src 'none'; script-src 'self'; style-src 'self'")
          .doesNotContain("unsafe");
      assertThat(page.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
      assertThat(page.body()).doesNotContain("http://", "https://", " style=", " onclick=");
      Pattern links = Pattern.compile("(?:src|href)=\"(/[^\"]+)\"");
      List<String> paths =
          links.matcher(page.body()).results().map(found -> found.group(1)).toList();
      assertThat(paths).isNotEmpty();
      for (String path : paths) {
        HttpResponse<String> file = server.get(path);
        assertThat(file.statusCode()).as(path).isEqualTo(200);
        assertThat(file.body()).doesNotContain("innerHTML", "insertAdjacentHTML", "document.write");
      }
      assertThat(server.getJson("/api/models").json().toString())
          .contains("id=tiny", "context=150", "layers=2", "heads=2", "template=chatml");
    }
  }
}

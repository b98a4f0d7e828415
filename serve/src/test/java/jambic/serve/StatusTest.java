package jambic.serve;

import static jambic.serve.TestServer.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
              "e2e_request_latency_seconds")) {
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
    }
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

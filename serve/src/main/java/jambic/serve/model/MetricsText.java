package jambic.serve.model;

import jambic.model.generate.EngineStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** All figures of all models, as Prometheus reads them; names as vLLM's. */
public final class MetricsText {
  private final List<ModelHost> hosts;
  private final Map<ModelHost, EngineStatistics> statistics = new LinkedHashMap<>();
  private final PrometheusText text = new PrometheusText();

  private MetricsText(List<ModelHost> hosts) {
    this.hosts = hosts;
    hosts.forEach(host -> statistics.put(host, host.statistics()));
  }

  /** The media type. */
  public static String type() {
    return PrometheusText.TYPE;
  }

  /** The figures at this moment. */
  public static String of(List<ModelHost> hosts) {
    return new MetricsText(hosts).written();
  }

  private String written() {
    gauge("num_requests_running", "Requests being served.", EngineStatistics::running);
    gauge("num_requests_waiting", "Requests that wait.", EngineStatistics::waiting);
    gauge(
        "kv_cache_usage_perc",
        "Share of the KV cache's pages in use; 1 is all of them.",
        MetricsText::usage);
    counter("prompt_tokens_total", "Tokens of prompts.", EngineStatistics::promptTokens);
    counter(
        "prompt_tokens_cached_total",
        "Tokens of prompts that the cache had already.",
        EngineStatistics::cachedPromptTokens);
    counter("generation_tokens_total", "Tokens generated.", EngineStatistics::generatedTokens);
    counter(
        "num_preemptions_total",
        "Requests that had to give their pages to others for a while.",
        EngineStatistics::preemptions);
    outcomes();
    hosts.stream()
        .limit(1)
        .flatMap(host -> host.metrics().histograms().stream())
        .forEach(this::histogram);
    return text.toString();
  }

  private static double usage(EngineStatistics figures) {
    return 1 - (double) figures.freePages() / figures.pages();
  }

  private void gauge(String name, String help, ToDoubleFunction<EngineStatistics> value) {
    samples("jambic_" + name, "gauge", help, value);
  }

  private void counter(String name, String help, ToDoubleFunction<EngineStatistics> value) {
    samples("jambic_" + name, "counter", help, value);
  }

  private void samples(
      String name, String type, String help, ToDoubleFunction<EngineStatistics> value) {
    text.family(name, type, help);
    statistics.forEach(
        (host, figures) -> text.sample(name, host.served().id(), value.applyAsDouble(figures)));
  }

  private void outcomes() {
    String name = "jambic_request_success_total";
    text.family(name, "counter", "Requests that ended, by why.");
    for (ModelHost host : hosts) {
      for (RequestMetrics.Outcome outcome : RequestMetrics.Outcome.values()) {
        text.sample(
            name,
            host.served().id(),
            "finished_reason",
            outcome.label(),
            host.metrics().count(outcome));
      }
    }
  }

  private void histogram(Histogram first) {
    text.family(first.name(), "histogram", first.help());
    for (ModelHost host : hosts) {
      host.metrics().histograms().stream()
          .filter(histogram -> histogram.name().equals(first.name()))
          .forEach(histogram -> histogram.write(text, host.served().id()));
    }
  }
}

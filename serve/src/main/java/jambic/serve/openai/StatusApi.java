package jambic.serve.openai;

import jambic.serve.http.Exchange;
import jambic.serve.http.Route;
import jambic.serve.model.MetricsText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** How the server is. */
public final class StatusApi {
  private final ModelHosts hosts;

  /** Of some models. */
  public StatusApi(ModelHosts hosts) {
    this.hosts = hosts;
  }

  /** Its addresses. */
  public List<Route> routes() {
    return List.of(
        Route.openGet("/health", this::health),
        Route.get(
            "/metrics",
            exchange ->
                exchange.respond(
                    200,
                    MetricsText.type(),
                    MetricsText.of(hosts.all()).getBytes(StandardCharsets.UTF_8))));
  }

  private void health(Exchange exchange) throws IOException {
    String status = hosts.trouble().orElse("ok");
    if (!status.equals("ok")) {
      exchange.header("Retry-After", Long.toString(Duration.ofSeconds(1).toSeconds()));
    }
    exchange.json(status.equals("ok") ? 200 : 503, Map.of("status", status));
  }
}

package jambic.serve.openai;

import jambic.serve.http.Exchange;
import jambic.serve.http.Route;
import jambic.serve.model.ModelHost;
import java.io.IOException;
import java.util.List;

/** Completions and conversations. */
public final class TextApi {
  private final ModelHosts hosts;

  /** Of some models. */
  public TextApi(ModelHosts hosts) {
    this.hosts = hosts;
  }

  /** Its addresses. */
  public List<Route> routes() {
    return List.of(
        Route.post("/v1/completions", exchange -> answer(exchange, false)),
        Route.post("/v1/chat/completions", exchange -> answer(exchange, true)));
  }

  private void answer(Exchange exchange, boolean chat) throws IOException {
    Fields fields = new Fields(exchange.jsonBody());
    ModelHost host = hosts.of(fields);
    hosts.requireServing(host);
    TextRequest request = TextRequestReader.read(fields, host, chat);
    int texts = request.requests().size();
    hosts.enter(host, texts);
    try {
      new Answer(request, exchange).write();
    } finally {
      host.leave(texts);
    }
  }
}

package jambic.serve.openai;

import jambic.serve.http.Exchange;
import jambic.serve.http.Route;
import jambic.serve.model.ModelHost;
import jambic.serve.model.TranslatorHost;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

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
    Optional<TranslatorHost> translator = hosts.translator(fields);
    if (translator.isPresent() && !chat) {
      translate(exchange, fields, translator.get());
      return;
    }
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

  private void translate(Exchange exchange, Fields fields, TranslatorHost host) throws IOException {
    hosts.requireOpen();
    hosts.enter(host);
    try {
      TranslationApi.answer(exchange, fields, host);
    } finally {
      host.leave(1);
    }
  }
}

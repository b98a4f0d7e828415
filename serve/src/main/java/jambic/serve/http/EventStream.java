package jambic.serve.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Server-sent events, each written at once: who has left is noticed by that. */
public final class EventStream {
  private static final byte[] COMMENT = ":\n\n".getBytes(StandardCharsets.UTF_8);

  private final Exchange exchange;

  EventStream(Exchange exchange) {
    this.exchange = exchange;
  }

  /** Sends an object as JSON. */
  public void send(Object json) throws IOException {
    event(Json.text(json));
  }

  /** Sends a text of one line. */
  public void event(String data) throws IOException {
    exchange.write(false, ("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
  }

  /** Sends what readers pass over: it shows whether there is one still. */
  public void ping() throws IOException {
    exchange.write(false, COMMENT);
  }
}

package jambic.serve.http;

import java.io.IOException;

/** Answers a request, on a virtual thread of its own: it may block. */
@FunctionalInterface
public interface RouteHandler {
  /**
   * Answers.
   *
   * @throws IOException if the client is gone; the connection is closed
   * @throws HttpError to refuse the request
   */
  void handle(Exchange exchange) throws IOException;
}

package jambic.serve.http;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Finds the route of a request, after the checks of who asks. */
final class Dispatcher extends Handler.Abstract {
  private static final System.Logger LOG = System.getLogger("jambic.serve");

  private final WebOptions options;
  private final AccessRules access;
  private final List<Route> routes;
  private final ArrivalDeadline arrivals;

  Dispatcher(WebOptions options, List<Route> routes, ArrivalDeadline arrivals) {
    this.options = options;
    this.access = new AccessRules(options);
    this.routes = List.copyOf(routes);
    this.arrivals = arrivals;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    arrivals.begin(request);
    Request.addCompletionListener(request, _ -> arrivals.end(request));
    Duration arrival = ArrivalDeadline.LIMIT;
    Exchange exchange = new Exchange(request, response, options.maxBody(), arrival);
    try {
      answer(exchange);
      callback.succeeded();
    } catch (IOException gone) {
      callback.failed(gone); // closes the connection
    } catch (Throwable defect) {
      LOG.log(Level.ERROR, "a request failed", defect);
      callback.failed(defect);
    }
    return true;
  }

  private void answer(Exchange exchange) throws IOException {
    try {
      exchange.header("X-Content-Type-Options", "nosniff");
      exchange.header("Referrer-Policy", "no-referrer");
      exchange.header("Cross-Origin-Resource-Policy", "same-origin");
      exchange.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
      exchange.header("Cache-Control", "no-store");
      route(exchange);
      exchange.end();
    } catch (HttpError refusal) {
      refuse(exchange, refusal);
    } catch (RuntimeException | Error failure) {
      LOG.log(Level.ERROR, "a request failed", failure);
      String message =
          failure instanceof JambicException
              ? failure.getMessage()
              : "the server failed: its log says why";
      refuse(exchange, HttpError.of(500, message));
    }
  }

  static HttpError notFound() {
    return HttpError.of(404, "there is nothing at this address").withCode("not_found");
  }

  private static void refuse(Exchange exchange, HttpError refusal) throws IOException {
    if (exchange.isBegun()) { // a client would take what came for the whole
      throw new IOException(refusal.getMessage());
    }
    exchange.refuse(refusal);
  }

  private void route(Exchange exchange) throws IOException {
    Optional<String> host = exchange.requestHeader("Host").or(exchange::authority);
    if (host.isPresent() || !exchange.isHttp10()) { // no browser asks so: no page can make it
      access.checkHost(host);
    }
    Optional<String> origin =
        access.checkOrigin(exchange.requestHeader("Origin"), host, exchange.isSecure());
    origin.ifPresent(allowed -> allow(exchange, allowed));
    String path = exchange.path();
    List<Route> found = routes.stream().filter(route -> route.matches(path)).toList();
    if (found.isEmpty()) {
      throw notFound();
    }
    if (origin.isPresent() && exchange.method().equals("OPTIONS")) {
      exchange.respond(204);
      return;
    }
    Optional<Route> route = found.stream().filter(r -> r.takes(exchange.method())).findFirst();
    if (route.isEmpty()) {
      String methods = String.join(", ", new TreeSet<>(found.stream().map(Route::method).toList()));
      exchange.header("Allow", methods);
      throw HttpError.of(405, "this address takes " + methods + " only");
    }
    if (!route.get().open()) {
      access.checkKey(exchange.requestHeader("Authorization"));
    }
    if (route.get().isPrefix()) {
      exchange.setRest(path.substring(route.get().prefix().length()));
    }
    route.get().handler().handle(exchange);
  }

  private static void allow(Exchange exchange, String origin) {
    exchange.header("Access-Control-Allow-Origin", origin);
    exchange.header("Vary", "Origin");
    exchange.header("Access-Control-Allow-Methods", "GET, POST");
    exchange.header("Access-Control-Allow-Headers", "Authorization, Content-Type");
    exchange.header("Cross-Origin-Resource-Policy", "cross-origin");
  }
}

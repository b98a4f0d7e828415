package jambic.serve.http;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.VirtualThreadPool;

/** Listens, and answers by its routes. It can be used without a model. */
public final class WebServer implements AutoCloseable {
  /** Streams wait on their threads, so there is one for each; 200 by default. */
  private static final int MAX_REQUESTS = 20_000;

  /** What the system holds for a slow reader: some seconds of text, not minutes. */
  private static final int SEND_BUFFER = 1 << 16;

  private final Server server;
  private final ServerConnector connector;
  private final URI address;

  private WebServer(WebOptions options, List<Route> routes) {
    VirtualThreadPool threads = new VirtualThreadPool(MAX_REQUESTS);
    threads.setName("jambic-http");
    server = new Server(threads);
    server.setErrorHandler(new JsonErrors());
    ArrivalDeadline arrivals = new ArrivalDeadline(server.getScheduler());
    server.setHandler(new Dispatcher(options, routes, arrivals));
    connector = new ServerConnector(server, connections(options));
    connector.setHost(options.host());
    connector.setPort(options.port());
    connector.setIdleTimeout(options.writeTimeout().toMillis());
    connector.setAcceptedSendBufferSize(SEND_BUFFER);
    connector.addBean(arrivals);
    server.addConnector(connector);
    start(options);
    String shown = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
    address =
        URI.create(
            Text.format(
                "%s://%s:%d",
                options.tls().isPresent() ? "https" : "http", shown, connector.getLocalPort()));
  }

  /**
   * Begins to listen.
   *
   * @param routes what is answered, first match first
   * @throws JambicException if the address cannot be bound
   */
  public static WebServer start(WebOptions options, List<Route> routes) {
    return new WebServer(options, routes);
  }

  private void start(WebOptions options) {
    try {
      server.start();
    } catch (Exception e) {
      stop();
      if (e instanceof JambicException wrong) {
        throw wrong;
      }
      String reason =
          e.getCause() instanceof IOException cause ? cause.getMessage() : e.getMessage();
      throw new JambicException(
          Text.format(
              "cannot listen on %s, port %d: %s; choose another port, 0 for any that is free",
              options.host(), options.port(), reason),
          e);
    }
  }

  private static ConnectionFactory[] connections(WebOptions options) {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRelativeRedirectAllowed(false);
    // Paths are only compared with those that are there: whatever is odd about one, it is not
    // found.
    http.setUriCompliance(UriCompliance.UNSAFE);
    List<ConnectionFactory> factories = new ArrayList<>();
    if (options.tls().isPresent()) {
      KeyStore keys = TlsFiles.keyStore(options.tls().get());
      SecureRequestCustomizer secure = new SecureRequestCustomizer(false); // AccessRules has names
      secure.setSniRequired(false);
      http.addCustomizer(secure);
      SslContextFactory.Server tls = new SslContextFactory.Server();
      tls.setKeyStore(keys);
      tls.setKeyStorePassword("");
      tls.setSniRequired(false);
      ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory("h2", "http/1.1");
      alpn.setDefaultProtocol("http/1.1");
      factories.add(new SslConnectionFactory(tls, alpn.getProtocol()));
      factories.add(alpn);
      factories.add(new HTTP2ServerConnectionFactory(http));
    }
    factories.add(new HttpConnectionFactory(http));
    return factories.toArray(ConnectionFactory[]::new);
  }

  /** Errors that are found before a route is, in the same shape as all others. */
  private static final class JsonErrors extends ErrorHandler {
    @Override
    protected void generateResponse(
        Request request,
        Response response,
        int code,
        String message,
        Throwable cause,
        Callback callback) {
      // A path that leads above the root is no URI to Jetty, which gives no other reason then.
      boolean outside =
          cause instanceof HttpException refusal && "Bad Request".equals(refusal.getReason());
      HttpError error =
          outside ? Dispatcher.notFound() : HttpError.of(code, "the request is not valid HTTP");
      response.setStatus(error.status());
      response.getHeaders().put("Content-Type", "application/json");
      response.getHeaders().put("X-Content-Type-Options", "nosniff");
      byte[] body = Json.text(error.body()).getBytes(StandardCharsets.UTF_8);
      response.write(true, ByteBuffer.wrap(body), callback);
    }
  }

  /** Where it can be reached. */
  public URI address() {
    return address;
  }

  /** How many connections are open. */
  public int connections() {
    return connector.getConnectedEndPoints().size();
  }

  /** Lets no more connections in; those that are open go on. */
  public void refuseConnections() {
    connector.close();
  }

  /** Closes all connections. */
  @Override
  public void close() {
    stop();
  }

  private void stop() {
    boolean interrupted = Thread.interrupted(); // it would end the stopping half way
    try {
      server.stop();
    } catch (Exception e) {
      throw new JambicException("the server could not be stopped: " + e.getMessage(), e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

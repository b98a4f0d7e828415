package jambic.app.watch;

import jambic.app.run.Watcher;
import jambic.serve.http.WebOptions;
import jambic.serve.http.WebServer;
import jambic.tensor.JambicException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/** Shows the runs of a folder to this machine's browsers. */
public final class WatchServer implements Watcher.Watch {
  /** Where it listens if nothing else is said; TensorBoard does so too. */
  private static final int PORT = 6006;

  private final WebServer web;

  private WatchServer(WebServer web) {
    this.web = web;
  }

  /**
   * Begins to listen, on this machine's own address.
   *
   * @param folder of the runs, or one's own
   * @param port the port; 0 for any that is free
   * @throws JambicException if the port is taken
   */
  public static WatchServer start(Path folder, int port) {
    WebOptions options = WebOptions.DEFAULT.withPort(port);
    return new WatchServer(WebServer.start(options, new RunPages(folder).routesWithRoot()));
  }

  /** Shows a run and those beside it, at any port if the usual one is taken. */
  public static WatchServer beside(Path run) {
    Path absolute = run.toAbsolutePath().normalize();
    Path folder = Optional.ofNullable(absolute.getParent()).orElse(absolute);
    try {
      return start(folder, PORT);
    } catch (JambicException taken) {
      return start(folder, 0);
    }
  }

  /** Where the page is. */
  public URI page() {
    return web.address().resolve("/runs");
  }

  @Override
  public Optional<URI> address() {
    return Optional.of(page());
  }

  @Override
  public void close() {
    web.close();
  }
}

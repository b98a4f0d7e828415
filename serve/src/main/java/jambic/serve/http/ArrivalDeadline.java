package jambic.serve.http;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.NegotiatingServerConnection;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.component.AbstractLifeCycle;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Closes connections whose next request does not arrive in time: a byte now and then keeps one from
 * being idle, and thousands of such (slowloris) would hold a server for themselves.
 */
final class ArrivalDeadline extends AbstractLifeCycle implements Connection.Listener {
  /** For the head of a request, and again for its body. */
  static final Duration LIMIT = Duration.ofSeconds(10);

  private static final long NONE_YET = -1;

  private final Scheduler scheduler;
  private final Map<Connection, Arrival> arrivals = new ConcurrentHashMap<>();

  /** How far a connection's next request is. */
  private static final class Arrival {
    private volatile long since = System.nanoTime();
    private volatile long bytes = NONE_YET; // before it
    private volatile boolean busy; // with one that has arrived
    private volatile boolean several; // at a time, by HTTP/2, which bounds its frames itself
  }

  ArrivalDeadline(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  @Override
  protected void doStart() {
    sweepLater();
  }

  private void sweepLater() {
    scheduler.schedule(this::sweep, 1, TimeUnit.SECONDS);
  }

  @Override
  public void onOpened(Connection connection) {
    if (!(connection instanceof NegotiatingServerConnection)) { // another takes its place
      arrivals.put(connection, new Arrival());
    }
  }

  @Override
  public void onClosed(Connection connection) {
    arrivals.remove(connection);
  }

  void begin(Request request) {
    Arrival arrival = arrivals.get(request.getConnectionMetaData().getConnection());
    if (arrival != null) {
      arrival.busy = true;
      arrival.several = request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2;
    }
  }

  void end(Request request) {
    Connection connection = request.getConnectionMetaData().getConnection();
    Arrival arrival = arrivals.get(connection);
    if (arrival != null) {
      arrival.since = System.nanoTime();
      arrival.bytes = connection.getBytesIn();
      arrival.busy = false;
    }
  }

  private void sweep() {
    arrivals.forEach((connection, arrival) -> {
      if (isLate(connection, arrival)) {
        connection.getEndPoint().close(); // without an answer: who reads it has not asked yet
      }
    });
    if (isRunning() || isStarting()) {
      sweepLater();
    }
  }

  private static boolean isLate(Connection connection, Arrival arrival) {
    if (arrival.busy || arrival.several) {
      return false;
    }
    if (connection instanceof SslConnection secured) {
      Connection inner = secured.getSslEndPoint().getConnection();
      return inner instanceof NegotiatingServerConnection && isOver(arrival);
    }
    if (arrival.bytes == connection.getBytesIn()) { // nothing of the next, which need not come
      arrival.since = System.nanoTime();
      return false;
    }
    return isOver(arrival);
  }

  private static boolean isOver(Arrival arrival) {
    return System.nanoTime() - arrival.since > LIMIT.toNanos();
  }
}

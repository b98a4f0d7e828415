package jambic.serve.model;

import jambic.serve.model.RequestMetrics.Outcome;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Takes the times of a request, for the figures of its model and for recordings of JFR ({@code
 * jambic.Request}). Made when the request comes; the rest is called by the engine's thread.
 */
public final class RequestTimer {
  private static final boolean RECORDABLE = ModuleLayer.boot().findModule("jdk.jfr").isPresent();

  private final RequestMetrics metrics;
  private final String model;
  private final int promptTokens;
  private final Optional<RequestEvent> event =
      RECORDABLE ? Optional.of(RequestEvent.begun()) : Optional.empty();
  private final long start = System.nanoTime();
  private OptionalLong queueTime = OptionalLong.empty();
  private OptionalLong timeToFirstToken = OptionalLong.empty();
  private int tokens;
  private long last;

  RequestTimer(RequestMetrics metrics, String model, int promptTokens) {
    this.metrics = metrics;
    this.model = model;
    this.promptTokens = promptTokens;
  }

  /** It waits no longer. */
  public void admitted() {
    long time = System.nanoTime() - start;
    queueTime = OptionalLong.of(time);
    metrics.admitted(time);
  }

  /** A token came. */
  public void token() {
    long now = System.nanoTime();
    if (tokens == 0) {
      timeToFirstToken = OptionalLong.of(now - start);
      metrics.firstToken(now - start);
    } else {
      metrics.nextToken(now - last);
    }
    tokens++;
    last = now;
  }

  /** It ended. */
  public void ended(Outcome outcome) {
    metrics.ended(outcome, System.nanoTime() - start);
    event.ifPresent(recorded -> recorded.commit(this, outcome));
  }

  String model() {
    return model;
  }

  int promptTokens() {
    return promptTokens;
  }

  int tokens() {
    return tokens;
  }

  OptionalLong queueTime() {
    return queueTime;
  }

  OptionalLong timeToFirstToken() {
    return timeToFirstToken;
  }
}

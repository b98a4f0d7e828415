package jambic.serve.model;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.DoubleStream;

/** What has become of the requests of a model. For any number of threads. */
public final class RequestMetrics {
  /** How a request ended. */
  public enum Outcome {
    /** At a stop text or token. */
    STOP,
    /** With as many tokens as it asked for, or a full context. */
    LENGTH,
    /** Its client left, or the server ended. */
    ABORT,
    /** It failed. */
    ERROR;

    /** What figures call it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final double[] REQUEST_SECONDS = {
    0.01, 0.05, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120
  };

  private final Histogram timeToFirstToken =
      new Histogram(
          "jambic_time_to_first_token_seconds",
          "Time from a request to its first token.",
          0.001,
          0.005,
          0.01,
          0.02,
          0.04,
          0.06,
          0.08,
          0.1,
          0.25,
          0.5,
          0.75,
          1,
          2.5,
          5,
          7.5,
          10,
          20,
          40,
          80);
  private final Histogram interTokenLatency =
      new Histogram(
          "jambic_inter_token_latency_seconds",
          "Time between two tokens of a request.",
          0.001,
          0.0025,
          0.005,
          0.01,
          0.025,
          0.05,
          0.075,
          0.1,
          0.15,
          0.2,
          0.3,
          0.4,
          0.5,
          0.75,
          1,
          2.5);
  private final Histogram latency =
      new Histogram(
          "jambic_e2e_request_latency_seconds", "Time from a request to its end.", REQUEST_SECONDS);
  private final Histogram queueTime =
      new Histogram(
          "jambic_request_queue_time_seconds",
          "Time that a request waits before its prompt is read.",
          DoubleStream.concat(DoubleStream.of(0.001, 0.005), DoubleStream.of(REQUEST_SECONDS))
              .toArray());
  private final Map<Outcome, LongAdder> outcomes = new EnumMap<>(Outcome.class);

  RequestMetrics() {
    Arrays.stream(Outcome.values()).forEach(outcome -> outcomes.put(outcome, new LongAdder()));
  }

  /** A request waits no longer. */
  void admitted(long nanoseconds) {
    queueTime.observe(nanoseconds);
  }

  /** A first token came. */
  void firstToken(long nanoseconds) {
    timeToFirstToken.observe(nanoseconds);
  }

  /** Another token came. */
  void nextToken(long nanoseconds) {
    interTokenLatency.observe(nanoseconds);
  }

  /** A request ended. */
  void ended(Outcome outcome, long nanoseconds) {
    outcomes.get(outcome).increment();
    if (outcome == Outcome.STOP || outcome == Outcome.LENGTH) {
      latency.observe(nanoseconds);
    }
  }

  /** How many ended so. */
  public long count(Outcome outcome) {
    return outcomes.get(outcome).sum();
  }

  List<Histogram> histograms() {
    return List.of(timeToFirstToken, interTokenLatency, latency, queueTime);
  }
}

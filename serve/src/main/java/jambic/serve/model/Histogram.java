package jambic.serve.model;

import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** Counts durations by size, as Prometheus reads them. For any number of threads. */
public final class Histogram {
  private final String name;
  private final String help;
  private final double[] bounds; // in seconds
  private final LongAdder[] counts;
  private final DoubleAdder sum = new DoubleAdder();

  /** A histogram of durations up to some bounds, and beyond the last. */
  Histogram(String name, String help, double... bounds) {
    this.name = name;
    this.help = help;
    this.bounds = bounds.clone();
    counts = Stream.generate(LongAdder::new).limit(bounds.length + 1).toArray(LongAdder[]::new);
  }

  /** Counts one. */
  public void observe(long nanoseconds) {
    double seconds = nanoseconds * 1e-9;
    int at = 0;
    while (at < bounds.length && seconds > bounds[at]) {
      at++;
    }
    counts[at].increment();
    sum.add(seconds);
  }

  String name() {
    return name;
  }

  String help() {
    return help;
  }

  /** Appends the series of one model. */
  void write(PrometheusText text, String model) {
    long below = 0;
    for (int i = 0; i < counts.length; i++) {
      below += counts[i].sum();
      String bound = i < bounds.length ? Double.toString(bounds[i]) : "+Inf";
      text.sample(name + "_bucket", model, "le", bound, below);
    }
    text.sample(name + "_sum", model, sum.sum());
    text.sample(name + "_count", model, below); // of the same reading as the last bucket
  }
}

package jambic.app.watch;

import jambic.serve.http.EventStream;
import jambic.train.run.CurvePoints;
import jambic.train.run.MetricsTail;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells a page what is new: {@code run} and its {@code points}; {@code run} and {@code reload}
 * where its log was rewritten, or more came than is worth sending; {@code changed} where the list
 * of runs has another content. For one thread.
 */
final class RunEvents {
  /** How often files are looked at. */
  static final Duration PAUSE = Duration.ofMillis(250);

  private static final int LIST_EVERY = 4; // pauses
  private static final int PING_EVERY = 20;
  private static final int MOST_POINTS = 1_000;

  private final WatchedRuns runs;
  private final Map<WatchedRun, MetricsTail.Mark> marks = new HashMap<>();
  private Optional<List<Map<String, Object>>> listed = Optional.empty();
  private List<WatchedRun> known = List.of();
  private int turn;
  private int quiet;

  RunEvents(WatchedRuns runs) {
    this.runs = runs;
  }

  /**
   * Sends what is new since the last call.
   *
   * @return whether there was something
   */
  boolean send(EventStream out) throws IOException {
    boolean sent = false;
    if (turn++ % LIST_EVERY == 0) {
      known = runs.all();
      marks.keySet().retainAll(known);
      sent = sendList(out);
    }
    for (WatchedRun run : known) {
      sent |= sendPoints(run, out);
    }
    quiet = sent ? 0 : quiet + 1;
    return sent;
  }

  /** Whether it is time to show that somebody is there. */
  boolean isQuiet() {
    return quiet > 0 && quiet % PING_EVERY == 0;
  }

  private boolean sendList(EventStream out) throws IOException {
    List<Map<String, Object>> now = known.stream().map(RunEvents::listed).toList();
    boolean changed = listed.isPresent() && !listed.get().equals(now);
    listed = Optional.of(now);
    if (changed) {
      out.send(Map.of("changed", true));
    }
    return changed;
  }

  /** What does not change with every line. */
  private static Map<String, Object> listed(WatchedRun run) {
    Map<String, Object> facts = new LinkedHashMap<>(run.facts());
    List.of("iteration", "seconds", "newest").forEach(facts::remove);
    return facts;
  }

  private boolean sendPoints(WatchedRun run, EventStream out) throws IOException {
    MetricsTail log = run.log();
    MetricsTail.Mark now = log.mark();
    Optional<MetricsTail.Mark> before = Optional.ofNullable(marks.put(run, now));
    if (before.isEmpty() || before.get().equals(now)) {
      return false;
    }
    Optional<Map<String, CurvePoints>> added = log.since(before.get());
    if (added.isEmpty() || added.get().values().stream().anyMatch(RunEvents::isLong)) {
      out.send(Map.of("run", run.name(), "reload", true));
      return true;
    }
    Map<String, Object> points = new LinkedHashMap<>();
    added.get().forEach((name, curve) -> points.put(name, List.of(curve.iters(), curve.values())));
    out.send(Map.of("run", run.name(), "points", points));
    return true;
  }

  private static boolean isLong(CurvePoints curve) {
    return curve.count() > MOST_POINTS;
  }
}

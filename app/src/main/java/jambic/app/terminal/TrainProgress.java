package jambic.app.terminal;

import jambic.tensor.text.Text;
import jambic.train.run.Metrics;
import java.time.Duration;
import java.time.InstantSource;

/**
 * Shows how a training run goes: on a terminal a bar with iteration, loss, speed and time left;
 * elsewhere about forty lines over the run, and one every half minute if it is slow. Evaluations
 * are lines in both, and what is counted in all of them are the updates that are done.
 */
public final class TrainProgress {
  private static final Duration REDRAW = Duration.ofMillis(100);
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(30);
  private static final int LINES = 40;

  /** Weight of the newest step in the running means: about the last twenty steps count. */
  private static final double NEWEST = 0.05;

  private final Terminal terminal;
  private final int maxIters;
  private final InstantSource clock;
  private long shownAt = Long.MIN_VALUE;
  private double loss = Double.NaN;
  private double ms = Double.NaN;
  private double tokensPerSecond = Double.NaN;

  /**
   * Progress towards a number of iterations.
   *
   * @param terminal where to show it
   * @param maxIters iterations of the whole run, also of a resumed one
   */
  public TrainProgress(Terminal terminal, int maxIters) {
    this(terminal, maxIters, InstantSource.system());
  }

  TrainProgress(Terminal terminal, int maxIters, InstantSource clock) {
    this.terminal = terminal;
    this.maxIters = maxIters;
    this.clock = clock;
  }

  /**
   * Shows a step or an evaluation.
   *
   * @param metrics what was measured
   */
  public void show(Metrics metrics) {
    switch (metrics) {
      case Metrics.Step step -> show(step);
      case Metrics.Evaluation evaluation ->
          terminal.print(
              format(
                  "%s  train loss %.4f  val loss %.4f",
                  counted(evaluation.iter()), evaluation.trainLoss(), evaluation.valLoss()));
    }
  }

  /**
   * Shows how far an evaluation is; only where there is a status line.
   *
   * @param iter the updates behind the model
   * @param done batches measured so far
   * @param count all of them
   */
  public void showEvaluation(int iter, int done, int count) {
    long now = clock.millis();
    if (terminal.isLive() && (done == 0 || now - shownAt >= REDRAW.toMillis())) {
      terminal.status(counted(iter), (double) done / count, "evaluating");
      shownAt = now;
    }
  }

  /** Takes the bar away; call it when the run has ended, however it ended. */
  public void end() {
    terminal.clear();
  }

  private void show(Metrics.Step step) {
    loss = mean(loss, step.loss());
    ms = mean(ms, step.ms());
    tokensPerSecond = mean(tokensPerSecond, step.tokensPerSecond());
    int done = step.iter() + 1;
    long now = clock.millis();
    long silence = shownAt == Long.MIN_VALUE ? Long.MAX_VALUE : now - shownAt;
    if (terminal.isLive()) {
      if (silence >= REDRAW.toMillis() || done == maxIters) {
        terminal.status(counted(done), (double) done / maxIters, figures(loss, maxIters - done));
        shownAt = now;
      }
    } else if (done == 1
        || done % Math.max(1, maxIters / LINES) == 0
        || silence >= LONGEST_SILENCE.toMillis()) {
      String figures = String.join("  ", figures(step.loss(), maxIters - done));
      terminal.print(counted(done) + "  " + figures);
      shownAt = now;
    }
  }

  private String[] figures(double loss, int left) {
    return new String[] {
      format("loss %.4f", loss),
      format(ms < 100 ? "%.1f ms" : "%.0f ms", ms),
      abbreviated(tokensPerSecond) + " tokens/s",
      "eta " + eta(left)
    };
  }

  private String counted(int iter) {
    int width = Integer.toString(maxIters).length();
    return format("%" + width + "d/%d", iter, maxIters);
  }

  private String eta(int left) {
    Duration time = Duration.ofSeconds(Math.round(ms * left / 1e3));
    return time.toHours() > 0
        ? format("%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : format("%d:%02d", time.toMinutes(), time.toSecondsPart());
  }

  private static String abbreviated(double count) {
    return count < 10_000
        ? format("%.0f", count)
        : count < 10_000_000 ? format("%.1fk", count / 1e3) : format("%.1fM", count / 1e6);
  }

  private static double mean(double before, double value) {
    return Double.isNaN(before) ? value : before + NEWEST * (value - before);
  }

  private static String format(String format, Object... arguments) {
    return Text.format(format, arguments);
  }
}

package jambic.app.terminal;

import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.config.RunSettings;
import jambic.train.run.Metrics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.DoubleConsumer;
import java.util.stream.Collectors;

/**
 * Shows how a training run goes: on a terminal a bar with iteration, loss, speed and time left;
 * elsewhere about forty lines over the run, and one every half minute if it is slow. The time left
 * counts evaluations too. These are lines in both, and what is counted in all of them are the
 * updates that are done.
 */
public final class TrainProgress {
  private static final Duration REDRAW = Duration.ofMillis(100);
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(30);
  private static final int LINES = 40;
  private static final int OTHERS = 6;

  /** Weight of the newest step in the running mean of the loss: about the last twenty count. */
  private static final double NEWEST = 0.05;

  private static final Duration WARM_UP = Duration.ofSeconds(2);

  /** What a step computes, forward and backward, in units of an evaluation's batch. */
  private static final double STEP_IN_FORWARDS = 3;

  private final Terminal terminal;
  private final RunSettings run;
  private final double stepInForwards;
  private final DoubleConsumer timeLeft;
  private final InstantSource clock;
  private final Speed speed = new Speed();
  private long shownAt = Long.MIN_VALUE;
  private double loss = Double.NaN;
  private long evaluationBegan;
  private double evaluationMs;
  private long warmAt; // in an evaluation
  private int warmDone;
  private boolean timeTold;

  /**
   * Progress of a run.
   *
   * @param terminal where to show it
   * @param config its length, also of a resumed one, and when it evaluates
   * @param timeLeft is told once, as soon as the speed is known, how many milliseconds are left
   */
  public TrainProgress(Terminal terminal, RunConfig config, DoubleConsumer timeLeft) {
    this(terminal, config, timeLeft, InstantSource.system());
  }

  TrainProgress(Terminal terminal, RunConfig config, DoubleConsumer timeLeft, InstantSource clock) {
    this.terminal = terminal;
    this.run = config.run();
    this.stepInForwards = STEP_IN_FORWARDS * config.gradientAccumulationSteps();
    this.timeLeft = timeLeft;
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
      case Metrics.Evaluation evaluation -> {
        evaluationMs = clock.millis() - evaluationBegan;
        terminal.print(
            counted(evaluation.iter())
                + (Double.isNaN(evaluation.valLoss()) ? "" : losses(evaluation))
                + quality(evaluation)
                + others(evaluation));
      }
    }
  }

  private static String losses(Metrics.Evaluation evaluation) {
    return format("  train loss %.4f  val loss %.4f", evaluation.trainLoss(), evaluation.valLoss());
  }

  /** What else was measured, the most telling first. */
  private static String others(Metrics.Evaluation evaluation) {
    return evaluation.others().entrySet().stream()
        .limit(OTHERS)
        .map(one ->
            format(
                "  %s %.3f",
                one.getKey()
                    .substring(Metrics.Evaluation.EVALUATED.length())
                    .replaceFirst("^.*/", "")
                    .replace('_', ' '),
                one.getValue()))
        .collect(Collectors.joining());
  }

  private static String quality(Metrics.Evaluation evaluation) {
    return evaluation.bleu().isPresent() && evaluation.chrF().isPresent()
        ? format(
            "  BLEU %.1f  chrF %.1f",
            evaluation.bleu().getAsDouble(), evaluation.chrF().getAsDouble())
        : "";
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
    if (done == 0) {
      evaluationBegan = now;
      warmDone = 0;
    }
    if (!timeTold) {
      estimate(iter, done, count, now);
    }
    if (terminal.isLive() && (done == 0 || now - shownAt >= REDRAW.toMillis())) {
      double left =
          done == 0 ? Double.NaN : (double) (now - evaluationBegan) / done * (count - done);
      terminal.status(
          counted(iter),
          (double) done / count,
          done == 0
              ? new String[] {"evaluating"}
              : new String[] {"evaluating", "eta " + duration(left)});
      shownAt = now;
    }
  }

  /** The first evaluation alone may take minutes: its batches tell how long steps will be. */
  private void estimate(int iter, int done, int count, long now) {
    if (warmDone == 0) {
      if (done > 0 && now - evaluationBegan >= WARM_UP.toMillis()) {
        warmAt = now;
        warmDone = done;
      }
    } else if (done - warmDone >= Speed.LEAST_STEPS && done < count) {
      double forward = (double) (now - warmAt) / (done - warmDone);
      tell(
          forward
              * (count
                  - done
                  + (double) count * evaluationsAfter(iter)
                  + stepInForwards * (run.maxIters() - iter)));
    }
  }

  private void tell(double millis) {
    if (!timeTold) {
      timeTold = true;
      timeLeft.accept(millis);
    }
  }

  /** Takes the bar away; call it when the run has ended, however it ended. */
  public void end() {
    terminal.clear();
  }

  private void show(Metrics.Step step) {
    loss = Double.isNaN(loss) ? step.loss() : loss + NEWEST * (step.loss() - loss);
    speed.add(step);
    int done = step.iter() + 1;
    if (speed.isKnown()) {
      tell(left(done));
    }
    int maxIters = run.maxIters();
    long now = clock.millis();
    long silence = shownAt == Long.MIN_VALUE ? Long.MAX_VALUE : now - shownAt;
    if (terminal.isLive()) {
      if (silence >= REDRAW.toMillis() || done == maxIters) {
        terminal.status(counted(done), (double) done / maxIters, figures(loss, done));
        shownAt = now;
      }
    } else if (done == 1
        || done % Math.max(1, maxIters / LINES) == 0
        || silence >= LONGEST_SILENCE.toMillis()) {
      terminal.print(counted(done) + "  " + String.join("  ", figures(step.loss(), done)));
      shownAt = now;
    }
  }

  private String[] figures(double loss, int done) {
    String shown = format("loss %.4f", loss);
    if (!speed.isKnown()) {
      return new String[] {shown, "warming up"};
    }
    double ms = speed.millis();
    return new String[] {
      shown,
      format(ms < 100 ? "%.1f ms" : "%.0f ms", ms),
      abbreviated(speed.tokensPerSecond()) + " tokens/s",
      "eta " + duration(left(done))
    };
  }

  private double left(int done) {
    return speed.millis() * (run.maxIters() - done) + evaluationMs * evaluationsAfter(done);
  }

  private int evaluationsAfter(int done) {
    int atEnd = run.maxIters() % run.evalInterval() == 0 ? 0 : 1;
    return run.maxIters() / run.evalInterval() - done / run.evalInterval() + atEnd;
  }

  private String counted(int iter) {
    int width = Integer.toString(run.maxIters()).length();
    return format("%" + width + "d/%d", iter, run.maxIters());
  }

  private static String duration(double millis) {
    Duration time = Duration.ofSeconds(Math.round(millis / 1e3));
    return time.toHours() > 0
        ? format("%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : format("%d:%02d", time.toMinutes(), time.toSecondsPart());
  }

  private static String abbreviated(double count) {
    return count < 10_000
        ? format("%.0f", count)
        : count < 10_000_000 ? format("%.1fk", count / 1e3) : format("%.1fM", count / 1e6);
  }

  private static String format(String format, Object... arguments) {
    return Text.format(format, arguments);
  }
}

package jambic.app.terminal;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.train.config.Preset;
import jambic.train.config.TrainConfig;
import jambic.train.run.Metrics;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class TrainProgressTest {
  private final StringWriter out = new StringWriter();
  private final List<Double> timesLeft = new ArrayList<>();
  private Instant now = Instant.EPOCH;

  @Test
  void aTerminalShowsIterationLossSpeedAndTimeLeft() {
    TrainProgress progress = progress(true, 2000);
    for (int iter = 400; iter < 500; iter++) { // the first are slow, which is not shown
      progress.show(step(iter, 2.41234, iter < 410 ? 300 : 31.2));
    }
    assertThat(statuses())
        .containsExactly(" 401/2000 ━━━━────────────────  loss 2.4123  warming up");
    now = now.plusSeconds(1);
    progress.show(step(500, 2.41234, 31.2));
    assertThat(statuses())
        .last()
        .isEqualTo(
            " 501/2000 ━━━━━───────────────  loss 2.4123  31.2 ms  24.6k tokens/s  eta 0:47");
    assertThat(statuses().getLast().length()).isLessThan(80);
  }

  @Test
  void theSpeedIsThatOfManyStepsWhereTheirTokensDiffer() {
    TrainProgress progress = progress(true, 2000);
    for (int iter = 0; iter < 100; iter++) {
      now = now.plusMillis(500);
      progress.show(
          new Metrics.Step(
              iter, 4, 1e-3, 1, 500, iter % 2 == 0 ? 2_000 : 400, OptionalDouble.empty()));
    }
    assertThat(statuses()).last().asString().contains("  500 ms  1200 tokens/s  ");
  }

  @Test
  void theTimeLeftCountsEvaluations() {
    TrainProgress progress = progress(true, 2000);
    progress.showEvaluation(0, 0, 40);
    now = now.plusSeconds(10);
    progress.showEvaluation(0, 20, 40);
    assertThat(statuses()).last().asString().endsWith("evaluating  eta 0:10");
    now = now.plusSeconds(10);
    progress.show(new Metrics.Evaluation(0, 4.2, 4.2));
    for (int iter = 0; iter < 100; iter++) {
      now = now.plusMillis(100);
      progress.show(step(iter, 4, 100));
    }
    // 1,900 steps of 0.1 s and 8 evaluations of 20 s
    assertThat(statuses()).last().asString().endsWith("eta 5:50");
  }

  @Test
  void theTimeLeftIsToldOnceWhenTheSpeedIsKnown() {
    TrainProgress progress = progress(true, 2000);
    progress.show(step(0, 4, 9_000)); // slow, which counts for nothing
    progress.show(step(1, 4, 1_000));
    assertThat(timesLeft).isEmpty();
    for (int iter = 2; iter < 50; iter++) {
      progress.show(step(iter, 4, 1_000));
    }
    assertThat(timesLeft).containsExactly(1_997_000.0);
  }

  @Test
  void theFirstEvaluationTellsTheTimeBeforeAnyStep() {
    TrainProgress progress = progress(false, 2000);
    for (int done = 0; done < 40; done++) {
      progress.showEvaluation(0, done, 40);
      now = now.plusMillis(done == 0 ? 5_000 : 1_000);
    }
    // at its fourth batch: 36 more, 8 evaluations of 40 and 2,000 steps of 3, each of a second
    assertThat(timesLeft).containsExactly(1e3 * (36 + 8 * 40 + 2000 * 3));
    for (int iter = 0; iter < 10; iter++) {
      progress.show(step(iter, 4, 3_000));
    }
    assertThat(timesLeft).hasSize(1);
  }

  @Test
  void aTerminalIsRedrawnTenTimesASecondAndAtTheEnd() {
    TrainProgress progress = progress(true, 1000);
    for (int iter = 0; iter < 1000; iter++) {
      progress.show(step(iter, 2, 1));
      now = now.plusMillis(1);
    }
    assertThat(statuses()).hasSize(11).last().asString().startsWith("1000/1000");
  }

  @Test
  void theLossShownIsTheRunningMean() {
    TrainProgress progress = progress(true, 100);
    for (int iter = 0; iter < 50; iter++) {
      progress.show(step(iter, iter % 2 == 0 ? 2.1 : 1.9, 100));
      now = now.plusMillis(100);
    }
    assertThat(statuses().getLast()).containsPattern("loss (2.00|1.99)").contains("  100 ms  ");
  }

  @Test
  void anEvaluationIsALineAboveTheBar() {
    TrainProgress progress = progress(true, 2000);
    progress.show(step(249, 2.5, 30));
    progress.show(new Metrics.Evaluation(250, 2.41, 2.46789));
    progress.end();
    assertThat(out.toString())
        .endsWith("\r\033[K 250/2000  train loss 2.4100  val loss 2.4679" + System.lineSeparator());
  }

  @Test
  void aLongEvaluationHasABarOfItsOwn() {
    TrainProgress progress = progress(true, 2000);
    for (int done = 0; done < 40; done++) {
      progress.showEvaluation(250, done, 40);
      now = now.plusMillis(50);
    }
    assertThat(statuses())
        .hasSize(20)
        .contains(" 250/2000 ━━━━━───────────────  evaluating  eta 0:02");
    TrainProgress inAFile = progress(false, 2000);
    inAFile.showEvaluation(250, 0, 40);
    assertThat(statuses()).hasSize(20);
  }

  @Test
  void aFileGetsFortyLinesOrSo() {
    TrainProgress progress = progress(false, 2000);
    for (int iter = 0; iter < 2000; iter++) {
      progress.show(step(iter, 2, 30));
      now = now.plusMillis(30);
    }
    progress.end();
    List<String> lines = out.toString().lines().toList();
    assertThat(lines).hasSize(41);
    assertThat(lines.getFirst()).startsWith("   1/2000  loss 2.0000  ");
    assertThat(lines.get(2)).isEqualTo(" 100/2000  loss 2.0000  30.0 ms  25.6k tokens/s  eta 0:57");
    assertThat(lines.getLast()).startsWith("2000/2000  ").endsWith("  eta 0:00");
  }

  @Test
  void aSlowRunIsNotSilent() {
    TrainProgress progress = progress(false, 2000);
    for (int iter = 0; iter < 10; iter++) {
      progress.show(step(iter, 4, 20_000));
      now = now.plus(Duration.ofSeconds(20));
    }
    List<String> lines = out.toString().lines().toList();
    assertThat(lines).hasSize(5);
    assertThat(lines.getLast())
        .isEqualTo("   9/2000  loss 4.0000  20000 ms  38 tokens/s  eta 11:03:40");
  }

  private TrainProgress progress(boolean live, int maxIters) {
    Terminal terminal = new Terminal(new PrintWriter(out), live, false, true, () -> 80);
    TrainConfig config =
        Preset.SHAKESPEARE_CHAR_CPU
            .config()
            .withAll(Map.of("maxIters", maxIters, "evalInterval", 250, "evalIters", 20));
    return new TrainProgress(terminal, config, timesLeft::add, () -> now);
  }

  /** A step of 768 tokens. */
  private static Metrics step(int iter, double loss, double ms) {
    return new Metrics.Step(iter, loss, 1e-3, 1, ms, 768e3 / ms, OptionalDouble.empty());
  }

  private List<String> statuses() {
    return Arrays.stream(out.toString().split("\033\\[\\?7h"))
        .map(status -> status.replace("\r\033[K\033[?7l", ""))
        .toList();
  }
}

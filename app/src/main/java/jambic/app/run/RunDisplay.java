package jambic.app.run;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.chart.LossChart;
import jambic.app.cli.Hyperparameters;
import jambic.app.cli.Interruptible;
import jambic.app.cli.Interruption;
import jambic.app.cli.RunFolder;
import jambic.app.terminal.Terminal;
import jambic.app.terminal.TrainProgress;
import jambic.model.ConfigMessage;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.run.RunListener.Sample;
import jambic.train.run.RunLoop;
import jambic.train.run.TensorBoardLog;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleFunction;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * Shows how a run goes, whatever it trains.
 *
 * @param command the command that goes on with it
 * @param terminal where progress goes
 * @param err where a note on a long run goes
 * @param interruption whether to stop
 * @param tensorboard whether to write TensorBoard's file
 * @param resume whether the run goes on
 * @param shared whether several ranks train it
 * @param watcher shows it elsewhere too
 */
public record RunDisplay(
    String command,
    Terminal terminal,
    PrintWriter err,
    Interruption interruption,
    boolean tensorboard,
    boolean resume,
    boolean shared,
    Watcher watcher) {

  /** A run: trains until it is done or asked to stop. */
  public interface Run {
    RunLoop.Outcome run(RunListener listener, BooleanSupplier stop);
  }

  /**
   * Runs.
   *
   * @param config of the run
   * @param folder the run's
   * @param iteration the updates that it has done
   * @param longRun a sentence on a run that will take so many milliseconds, if it is long
   * @param run the run
   * @return whether it went to its end; if not, it is said how to go on
   */
  public boolean show(
      RunConfig config,
      Path folder,
      IntSupplier iteration,
      DoubleFunction<Optional<String>> longRun,
      Run run) {
    return show(config, folder, iteration, longRun, List::of, run);
  }

  /**
   * Runs a model that writes at each evaluation.
   *
   * @param config of the run
   * @param folder the run's
   * @param iteration the updates that it has done
   * @param longRun a sentence on a run that will take so many milliseconds, if it is long
   * @param sampler writes with the model as it is, for the log of samples
   * @param run the run
   * @return whether it went to its end; if not, it is said how to go on
   */
  public boolean show(
      RunConfig config,
      Path folder,
      IntSupplier iteration,
      DoubleFunction<Optional<String>> longRun,
      Supplier<List<Sample>> sampler,
      Run run) {
    if (resume) {
      terminal.print(
          Text.format(
              "resume   goes on after iteration %,d of %,d",
              iteration.getAsInt(), config.run().maxIters()));
    }
    interruption.listen(() -> terminal.print(stopping(folder)));
    TrainProgress progress =
        new TrainProgress(
            terminal,
            config,
            millis ->
                longRun.apply(millis).ifPresent(line -> terminal.printTo(err, "jambic: " + line)));
    Optional<TensorBoardLog> events = events(folder, iteration.getAsInt());
    SampleLog samples =
        SampleLog.of(folder, iteration.getAsInt(), notice -> terminal.print("note     " + notice));
    RunLoop.Outcome outcome;
    try (Watcher.Watch watch = watcher.begin(folder)) {
      watch.address().ifPresent(address -> terminal.print("watch    " + address));
      Shown shown = new Shown(terminal, progress, events, samples, sampler);
      outcome = run.run(shown, interruption::isRequested);
    } finally {
      progress.end();
      events.ifPresent(TensorBoardLog::close);
    }
    if (outcome == RunLoop.Outcome.STOPPED) {
      terminal.print(
          Text.format(
              "stopped and saved after %,d of %,d iterations; go on with: %s",
              iteration.getAsInt(),
              config.run().maxIters(),
              ShellCommand.of(command, "--resume", "--out", folder)));
      return false;
    }
    interruption.listen(() -> {}); // what is left is over soon
    return true;
  }

  /**
   * Runs with other ranks, of which the first one shows it.
   *
   * @param run the run
   * @return the exit code of this process
   */
  public int join(Run run) {
    interruption.listen(() -> {}); // the first rank says so
    RunLoop.Outcome outcome = run.run(new RunListener() {}, interruption::isRequested);
    return outcome == RunLoop.Outcome.STOPPED ? Interruptible.INTERRUPTED : 0;
  }

  /** A launcher ends the ranks that are left when one is lost: then nothing more is saved. */
  private String stopping(Path folder) {
    return shared
        ? Text.format(
            "stopping after this step, as the launcher asks; if a rank was lost, the run goes on from its last checkpoint: %s",
            ShellCommand.of(command, "--resume", "--out", folder))
        : "stopping after this step";
  }

  private Optional<TensorBoardLog> events(Path folder, int iteration) {
    Path file = folder.resolve(TensorBoardLog.FILE_NAME);
    if (!tensorboard && !(resume && Files.exists(file))) {
      return Optional.empty();
    }
    return Optional.of(
        resume ? TensorBoardLog.resume(file, iteration) : TensorBoardLog.create(file));
  }

  /** Draws the curve of a run into its folder. */
  public static void draw(Terminal terminal, List<Metrics> log, Path folder) {
    String name = String.valueOf(folder.toAbsolutePath().normalize().getFileName());
    LossChart chart = new LossChart(name, List.of(new LossChart.Run(name, log)));
    for (String file : RunFolder.CURVES) {
      try {
        chart.write(folder.resolve(file));
      } catch (JambicException e) {
        terminal.print(e.getMessage()); // the run is good without its picture
      }
    }
  }

  /** What a run came to, as JSON. */
  public static String json(Map<String, Object> summary) {
    try {
      return JSON.std.asString(summary);
    } catch (IOException e) {
      throw new IllegalStateException("numbers and strings always have JSON", e);
    }
  }

  private record Shown(
      Terminal terminal,
      TrainProgress progress,
      Optional<TensorBoardLog> events,
      SampleLog log,
      Supplier<List<Sample>> sampler)
      implements RunListener {
    private static final int WIDTH = 60;

    @Override
    public void onSamples(int iter, List<Sample> samples) {
      log.append(iter, samples);
      samples.stream().flatMap(sample -> scored(sample).stream()).forEach(terminal::print);
    }

    /** A line on an answer that was scored; the others are for the log. */
    private static Optional<String> scored(Sample sample) {
      Map<String, Object> details = sample.details();
      return details.containsKey("score")
          ? Optional.of(
              Text.format(
                  "  %s | %s | score %.2f | kl %.2f%s",
                  shortened(sample.prompt()),
                  shortened(sample.answer()),
                  details.get("score"),
                  details.get("kl"),
                  Boolean.FALSE.equals(details.get("ended")) ? " | no end" : ""))
          : Optional.empty();
    }

    /** The end of a text, in one line of letters that a terminal can show. */
    private static String shortened(String text) {
      String line = text.strip().replaceAll("\\s+", " ").replaceAll("\\p{Cntrl}", "\uFFFD");
      return line.length() <= WIDTH ? line : "..." + line.substring(line.length() - WIDTH);
    }

    @Override
    public void onStep(Metrics.Step step) {
      progress.show(step);
      events.ifPresent(file -> file.append(step));
    }

    @Override
    public void onEvaluationBatch(int iter, int done, int count) {
      progress.showEvaluation(iter, done, count);
    }

    @Override
    public void onEvaluation(Metrics.Evaluation evaluation) {
      progress.show(evaluation);
      events.ifPresent(file -> file.append(evaluation));
      try {
        log.append(evaluation.iter(), sampler.get());
      } catch (JambicException e) { // the run is good without it
        onNotice("no sample at iteration " + evaluation.iter() + ": " + e.getMessage());
      }
    }

    @Override
    public void onNotice(String notice) {
      terminal.print("note     " + notice);
    }

    @Override
    public void onNotice(ConfigMessage notice) {
      terminal.print("note     " + Hyperparameters.sentence(notice));
    }
  }
}

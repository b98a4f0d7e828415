package jambic.app.watch;

import com.fasterxml.jackson.jr.ob.JSON;
import jambic.app.cli.RunFolder;
import jambic.app.cli.RunRecord;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.RunConfig;
import jambic.train.run.MetricsLog;
import jambic.train.run.MetricsTail;
import jambic.train.run.RunCheckpoints;
import jambic.train.run.RunLock;
import jambic.train.run.TrainingState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * What is known of a run.
 *
 * @param folder the run's
 * @param command that it is of
 * @param state running, finished or stopped
 * @param iteration the updates that lie behind its newest checkpoint, or its log's while it runs
 * @param bestValLoss the lowest validation loss, if one was measured
 * @param seconds what its steps took, if there were any
 * @param record what was noted at its start
 * @param config its hyperparameters
 * @param damagedLines of its log, which are left out
 */
public record RunFacts(
    Path folder,
    String command,
    String state,
    int iteration,
    OptionalDouble bestValLoss,
    OptionalDouble seconds,
    RunRecord record,
    RunConfig config,
    int damagedLines) {
  public static final String RUNNING = "running";

  /** A folder's run, or the runs in it, the newest last; none if there is no such folder. */
  public static List<Path> find(Path folder) {
    if (isRun(folder)) {
      return List.of(folder.normalize());
    }
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      record Dated(Path path, long at) {}
      return inside
          .filter(RunFacts::isRun)
          .map(path -> new Dated(path.normalize(), writtenAt(path)))
          .sorted((a, b) -> a.at == b.at ? a.path.compareTo(b.path) : Long.compare(a.at, b.at))
          .map(Dated::path)
          .toList();
    } catch (UncheckedIOException e) {
      throw unreadable(folder, e.getCause());
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  private static JambicException unreadable(Path folder, IOException e) {
    return new JambicException(Text.format("cannot read %s: %s", folder, ErrorText.reason(e)), e);
  }

  private static boolean isRun(Path path) {
    return hasCheckpoint(path)
        || new RunFolder(path).isRecorded(); // one that ended before its first checkpoint
  }

  private static boolean hasCheckpoint(Path run) {
    return AtomicFolder.exists(run.resolve(RunCheckpoints.LAST));
  }

  private static long writtenAt(Path run) {
    String early = hasCheckpoint(run) ? RunCheckpoints.LAST : RunFolder.RECORD;
    try {
      return Files.getLastModifiedTime(run.resolve(early)).toMillis();
    } catch (IOException replacedJustNow) {
      return System.currentTimeMillis();
    }
  }

  /**
   * Reads what a run's folder says.
   *
   * @param run the folder
   * @param log its log, of which is read what is new
   * @throws JambicException if it is damaged, or says nothing yet
   */
  public static RunFacts read(Path run, MetricsTail log) {
    log.update();
    RunRecord record = new RunFolder(run).record();
    boolean running = RunLock.isHeld(run);
    boolean early = !hasCheckpoint(run) && record.values().get(RunRecord.CONFIG) instanceof Map;
    TrainingState saved = early ? start(record) : checkpoint(run);
    int iteration = running ? Math.max(saved.iteration(), log.updates()) : saved.iteration();
    boolean finished = saved.iteration() >= saved.config().run().maxIters();
    double best = saved.bestValLoss();
    return new RunFacts(
        run,
        Stages.command(saved.config()),
        running ? RUNNING : finished ? "finished" : "stopped",
        iteration,
        Double.isFinite(best) ? OptionalDouble.of(best) : OptionalDouble.empty(),
        log.seconds(),
        record,
        saved.config(),
        log.damagedLines());
  }

  private static TrainingState checkpoint(Path run) {
    return AtomicFolder.read(
        run.resolve(RunCheckpoints.LAST), last -> TrainingState.read(last, Stages::any));
  }

  /** Before the first checkpoint. */
  private static TrainingState start(RunRecord record) {
    Map<?, ?> config = (Map<?, ?>) record.values().get(RunRecord.CONFIG);
    try {
      String json = JSON.std.asString(config);
      RunConfig read = Stages.any(config, json, record.file().toString());
      return new TrainingState(0, Double.POSITIVE_INFINITY, "", read);
    } catch (IOException e) {
      throw new IllegalStateException("what was read as JSON can be written", e);
    }
  }

  /** How many updates it is to make. */
  public int maxIters() {
    return config.run().maxIters();
  }

  /** What is wrong with it and keeps nobody from showing it. */
  public Optional<String> notice() {
    return damagedLines == 0
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "%s has %s, which the curves leave out",
                folder.resolve(MetricsLog.FILE_NAME),
                ErrorText.count(damagedLines, "damaged line")));
  }

  /** All but the hyperparameters, by the names that scripts know. */
  public Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("run", folder.toString());
    map.put("command", command);
    map.put("state", state);
    map.put("iteration", iteration);
    map.put("max_iters", maxIters());
    bestValLoss.ifPresent(best -> map.put("best_val_loss", best));
    seconds.ifPresent(time -> map.put("seconds", time));
    record.parameters().ifPresent(count -> map.put("parameters", count));
    record.data().ifPresent(name -> map.put("data", name));
    return map;
  }

  /** What a run was begun with and other runs may have otherwise. */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("command", command);
    record.preset().ifPresent(preset -> settings.put(RunRecord.PRESET, preset));
    record.data().ifPresent(data -> settings.put(RunRecord.DATA, data));
    for (String key : List.of(RunRecord.INIT, RunRecord.BACKEND, RunRecord.DTYPE)) {
      record.text(key).ifPresent(text -> settings.put(key, text));
    }
    record.parameters().ifPresent(count -> settings.put(RunRecord.PARAMETERS, count));
    settings.putAll(config.toMap());
    return settings;
  }
}

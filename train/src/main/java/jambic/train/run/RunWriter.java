package jambic.train.run;

import jambic.model.ConfigMessage;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.train.optim.Moment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where a run keeps what it measures and saves: in its folder, or nowhere on all ranks but one. */
sealed interface RunWriter extends AutoCloseable {
  /** Logs a line. */
  void append(Metrics metrics);

  /** Saves the best model. */
  void best(int iteration);

  /** Saves the model alone, of which the newest {@code count} are kept. */
  void keep(int iteration, int count);

  /** Saves the mean of the newest kept ones. */
  void averaged(int iteration, int count);

  /** Saves all that resuming needs. */
  void last(TrainingState now, Map<String, Moment> moments, AtomicFolder.Writer others);

  @Override
  void close();

  /** Writes into the run's folder. */
  record ToFolder(RunCheckpoints<?> checkpoints, MetricsLog log, RunListener listener)
      implements RunWriter {
    /** Opens the folder's log where the run is. */
    static ToFolder at(int iteration, RunCheckpoints<?> checkpoints, RunListener listener) {
      Path file = checkpoints.folder().resolve(MetricsLog.FILE_NAME);
      return new ToFolder(
          checkpoints,
          iteration > 0 || Files.exists(file)
              ? MetricsLog.resume(file, iteration, listener::onNotice)
              : MetricsLog.create(file),
          listener);
    }

    @Override
    public void append(Metrics metrics) {
      log.append(metrics);
    }

    @Override
    public void best(int iteration) {
      log.sync(); // refuses a folder that is gone, which saving would make again
      checkpoints.saveBest(iteration);
    }

    @Override
    public void keep(int iteration, int count) {
      log.sync();
      checkpoints.keep(iteration, count);
    }

    @Override
    public void averaged(int iteration, int count) {
      int kept = checkpoints.saveAveraged(iteration, count);
      if (kept < count) {
        listener.onNotice(
            new ConfigMessage(
                "%s is %s, and the run kept the weights of %s only: their mean is saved",
                new Name("average"), count, ErrorText.count(kept, "evaluation")));
      }
    }

    @Override
    public void last(TrainingState now, Map<String, Moment> moments, AtomicFolder.Writer others) {
      log.sync(); // a resumed run must find every line that its checkpoint is past
      checkpoints.saveLast(now, moments, others);
    }

    @Override
    public void close() {
      log.close();
    }
  }

  /** Another rank writes; this one gives it its part of the moments. */
  record Elsewhere() implements RunWriter {
    @Override
    public void append(Metrics metrics) {}

    @Override
    public void best(int iteration) {}

    @Override
    public void keep(int iteration, int count) {}

    @Override
    public void averaged(int iteration, int count) {}

    @Override
    public void last(TrainingState now, Map<String, Moment> moments, AtomicFolder.Writer others) {
      moments.values().forEach(Moment::values);
    }

    @Override
    public void close() {}
  }
}

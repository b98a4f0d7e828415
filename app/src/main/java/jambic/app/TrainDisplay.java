package jambic.app;

import jambic.app.cli.Hyperparameters;
import jambic.app.terminal.Terminal;
import jambic.app.terminal.TrainProgress;
import jambic.model.ConfigMessage;
import jambic.train.run.Metrics;
import jambic.train.run.RunListener;
import jambic.train.run.TensorBoardLog;
import java.util.Optional;

/**
 * Shows what a run tells of itself.
 *
 * @param terminal where notices go
 * @param progress shows steps and evaluations
 * @param events TensorBoard's file of them, if there is to be one
 */
record TrainDisplay(Terminal terminal, TrainProgress progress, Optional<TensorBoardLog> events)
    implements RunListener, AutoCloseable {
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
  }

  @Override
  public void onNotice(String notice) {
    terminal.print(notice);
  }

  @Override
  public void onNotice(ConfigMessage notice) {
    terminal.print(Hyperparameters.sentence(notice));
  }

  @Override
  public void close() {
    progress.end();
    events.ifPresent(TensorBoardLog::close);
  }
}

package jambic.train.run;

import jambic.model.ConfigMessage;

/** Hears of a run's progress. */
public interface RunListener {
  /**
   * Hears that an iteration is done.
   *
   * @param step what it measured
   */
  default void onStep(Metrics.Step step) {}

  /**
   * Hears that a batch of an evaluation comes next.
   *
   * @param iter the updates behind the model
   * @param done the batches measured so far
   * @param count the batches of both splits
   */
  default void onEvaluationBatch(int iter, int done, int count) {}

  /**
   * Hears that an evaluation is done.
   *
   * @param evaluation what it measured
   */
  default void onEvaluation(Metrics.Evaluation evaluation) {}

  /**
   * Hears something that a person should know, and nothing failed.
   *
   * @param notice a sentence
   */
  default void onNotice(String notice) {}

  /**
   * Hears something about hyperparameters, which can be had in the words of a command line.
   *
   * @param notice a sentence
   */
  default void onNotice(ConfigMessage notice) {
    onNotice(notice.toString());
  }
}

package jambic.train.run;

import jambic.model.ConfigMessage;
import java.util.List;

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
   * Hears what a policy answers.
   *
   * @param iter the updates behind the model
   * @param samples some answers, to the same prompts every time
   */
  default void onSamples(int iter, List<Sample> samples) {}

  /**
   * An answer of a policy.
   *
   * @param prompt what it answers
   * @param answer its text
   * @param score how good it was found
   * @param kl how much likelier the policy finds it than the reference, in nats
   * @param ended whether it ended by itself
   */
  record Sample(String prompt, String answer, double score, double kl, boolean ended) {}

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

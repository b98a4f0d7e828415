package jambic.train.run;

import jambic.model.ConfigMessage;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
   * Hears what the model writes.
   *
   * @param iter the updates behind the model
   * @param samples some texts, after the same prompts every time
   */
  default void onSamples(int iter, List<Sample> samples) {}

  /**
   * What a model wrote.
   *
   * @param prompt what it answers, translates or goes on with; may be empty
   * @param answer its text
   * @param details what else is known of it by name: numbers, texts and truth values
   */
  record Sample(String prompt, String answer, Map<String, Object> details) {
    /** Keeps the order of the details. */
    public Sample {
      details = Collections.unmodifiableMap(new LinkedHashMap<>(details));
    }

    /**
     * An answer of a policy.
     *
     * @param prompt what it answers
     * @param answer its text
     * @param score how good it was found
     * @param kl how much likelier the policy finds it than the reference, in nats
     * @param ended whether it ended by itself
     * @return the sample, with these names
     */
    public static Sample scored(
        String prompt, String answer, double score, double kl, boolean ended) {
      Map<String, Object> details = new LinkedHashMap<>();
      details.put("score", score);
      details.put("kl", kl);
      details.put("ended", ended);
      return new Sample(prompt, answer, details);
    }
  }

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

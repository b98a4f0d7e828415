package jambic.train.stage;

import java.util.List;
import java.util.Map;

/**
 * What a model learns where the loss is arithmetic on few numbers, which the host does: scores of
 * answers, or log-probabilities of their tokens.
 *
 * @param <E> one thing to learn from, such as a pair
 */
public interface RowObjective<E> {
  /**
   * A loss, and what a log shows beside it.
   *
   * @param loss the mean over the batch's things
   * @param numbers means over them, by TRL's names
   */
  record Outcome(double loss, Map<String, Double> numbers) {}

  /**
   * Lays things side by side.
   *
   * @param things at least one
   * @return the batch
   */
  RowBatch batch(List<E> things);

  /**
   * Computes the loss.
   *
   * @param things those of the batch
   * @param batch they, laid side by side
   * @param outputs what the model gave for the batch's rows
   * @param gradient is overwritten with the derivative with respect to each of them
   * @return the loss, and what a log shows
   */
  Outcome loss(List<E> things, RowBatch batch, double[] outputs, double[] gradient);
}

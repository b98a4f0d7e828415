package jambic.train.stage;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;

/**
 * Ends a run whose numbers will not come back.
 *
 * @param worst the largest loss of a run that still may
 */
public record Divergence(double worst) {
  /**
   * Refuses a loss that is too large, or no number.
   *
   * @param value the loss
   * @param what how the sentence calls it
   * @param iteration when
   * @throws JambicException if it is
   */
  public void require(double value, String what, int iteration) {
    requireFinite(value <= worst ? value : Double.NaN, what, iteration);
  }

  /**
   * Refuses what is no finite number.
   *
   * @param value the number
   * @param what how the sentence calls it
   * @param iteration when
   * @throws JambicException if it is not
   */
  public void requireFinite(double value, String what, int iteration) {
    if (!Double.isFinite(value)) {
      throw new JambicException(
          Text.format(
              "the %s is too large or no number at iteration %d: training has diverged; the last checkpoint is kept; try a lower learning rate, more warm-up or clipping at a smaller gradient norm",
              what, iteration));
    }
  }
}

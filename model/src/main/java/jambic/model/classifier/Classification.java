package jambic.model.classifier;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * What a classifier says of a text.
 *
 * @param label the most probable label; of equally probable ones the first
 * @param probabilities of all labels, in the model's order; they add up to 1
 */
public record Classification(String label, SequencedMap<String, Double> probabilities) {
  /** Takes a copy. */
  public Classification {
    probabilities = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(probabilities));
  }

  /**
   * Returns how probable the label is.
   *
   * @return from 0 to 1
   */
  public double probability() {
    return probabilities.get(label);
  }
}

package jambic.model.classifier;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.ModelConfig;
import jambic.model.gpt.GptConfig;
import jambic.tensor.JambicException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The shape of a {@link GptClassifier}. One label makes a reward or value model, whose only score
 * is a number and no probability.
 *
 * @param body the shape of the GPT under the head; what it says of a head for the next token does
 *     not count
 * @param labels the names of the scores, in order, each once
 * @param padToken what short texts are filled up with behind their end, or {@link #NO_PAD}
 */
public record ClassifierConfig(GptConfig body, List<String> labels, int padToken)
    implements ModelConfig {
  /** Stands for no token: then every token of a text counts as its last one. */
  public static final int NO_PAD = -1;

  /**
   * Checks every value.
   *
   * @throws JambicException if there are no labels, one is empty or there twice, or the token is
   *     not in the vocabulary
   */
  public ClassifierConfig {
    body = body.withoutOwnHead();
    labels = List.copyOf(labels);
    if (labels.isEmpty()) {
      throw new ConfigException("%s must name at least one label", new Name("labels"));
    }
    Set<String> seen = new HashSet<>();
    for (String label : labels) {
      if (label.isEmpty() || !seen.add(label)) {
        throw new ConfigException(
            "%s must be different names that are not empty, got %s", new Name("labels"), labels);
      }
    }
    if (padToken < NO_PAD || padToken >= body.vocabSize()) {
      throw new ConfigException(
          "%s %d is not in the vocabulary of %d", new Name("padToken"), padToken, body.vocabSize());
    }
  }

  /**
   * Finds the token whose state is scored, as transformers does: the last one that is no padding.
   * Where the end of a text is padding too, that is the token before it.
   *
   * @param ids a text, perhaps with padding behind it
   * @return its place; 0 if all of them are padding
   */
  public int scoredToken(int... ids) {
    int at = ids.length - 1;
    while (at > 0 && ids[at] == padToken) {
      at--;
    }
    return Math.max(at, 0);
  }

  /**
   * Tells whether its one label is a score: reward and value models have no others.
   *
   * @return whether there is one label
   */
  public boolean isScore() {
    return labels.size() == 1;
  }

  /**
   * This classifier on another body, such as one with other dropouts.
   *
   * @param body the shape of that
   * @return a copy that differs in this only
   */
  public ClassifierConfig withBody(GptConfig body) {
    return new ClassifierConfig(body, labels, padToken);
  }

  @Override
  public int vocabSize() {
    return body.vocabSize();
  }
}

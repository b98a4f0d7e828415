package jambic.serve.model;

import jambic.model.translator.TranslationPipeline;
import jambic.tensor.JambicException;
import java.util.Objects;

/**
 * A translator to serve. The pipeline stays the caller's.
 *
 * @param id what clients call it
 * @param pipeline the model, its tokenizer and how it searches
 */
public record ServedTranslator(String id, TranslationPipeline pipeline) {
  /**
   * Checks the values.
   *
   * @throws JambicException if the id is empty
   */
  public ServedTranslator {
    if (id.isBlank()) {
      throw new JambicException("a served translator needs an id");
    }
    Objects.requireNonNull(pipeline, "pipeline");
  }
}

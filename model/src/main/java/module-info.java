/**
 * GPT models, tokenizers, checkpoints in the Hugging Face layout, and generation. Start at the
 * package {@link jambic.model}; with {@code jambic.tensor} below it, this is all that inference
 * needs.
 */
module jambic.model {
  requires transitive jambic.tensor;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.jr.ob;

  exports jambic.model;
}

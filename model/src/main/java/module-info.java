/** GPT models, tokenizers, checkpoints in the Hugging Face layout, and generation. */
module jambic.model {
  requires transitive jambic.tensor;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.jr.ob;

  exports jambic.model;
}

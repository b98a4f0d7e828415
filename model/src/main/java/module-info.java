/**
 * GPT models, tokenizers, checkpoints in the Hugging Face layout, and generation. Start at the
 * package {@link jambic.model}; with {@code jambic.tensor} below it, this is all that inference
 * needs.
 */
@SuppressWarnings("module") // those that it exports to are compiled later
module jambic.model {
  requires transitive jambic.tensor;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.jr.ob;

  exports jambic.model;
  exports jambic.model.chat;
  exports jambic.model.checkpoint;
  exports jambic.model.classifier;
  exports jambic.model.generate;
  exports jambic.model.gpt;
  exports jambic.model.nn;
  exports jambic.model.sentencepiece;
  exports jambic.model.text;
  exports jambic.model.translator;
  exports jambic.model.io to
      jambic.train,
      jambic.serve,
      jambic.app;
}

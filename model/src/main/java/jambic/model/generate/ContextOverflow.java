package jambic.model.generate;

/** What becomes of a completion when its sequence fills the model's context. */
public enum ContextOverflow {
  /** It ends, with {@link FinishReason#LENGTH}. */
  FINISH,
  /**
   * It goes on from the last blockSize tokens, as nanoGPT's. Positions shift with every token, so
   * each costs a pass over the whole context.
   */
  CROP
}

package jambic.model.generate;

/** What becomes of a completion when its sequence fills the model's context. */
public enum ContextOverflow {
  /** It ends, with {@link FinishReason#LENGTH}. */
  FINISH,
  /**
   * It goes on from the last blockSize tokens, as nanoGPT's. Positions shift with every token, so
   * each costs a pass over the whole context.
   */
  CROP,
  /**
   * The oldest turns of its {@link Conversation} are dropped beforehand, each a prompt with its
   * answer, until the prompt and all that may be added fit. What is left is read once more. A
   * completion that fills the context by itself ends as with {@link #FINISH}.
   */
  DROP_OLDEST_TURNS
}

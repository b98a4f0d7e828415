package jambic.model.generate;

/** Why a completion ended. */
public enum FinishReason {
  /** It came to a stop string, a stop token or one of the model's end tokens. */
  STOP,
  /** It has as many tokens as were asked for, or the context is full. */
  LENGTH,
  /** The caller cancelled it, or closed its session or the engine. */
  CANCELLED
}

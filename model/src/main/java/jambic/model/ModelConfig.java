package jambic.model;

/** The shape of a {@link Model}: everything that decides which weights it has. */
public interface ModelConfig {
  /**
   * Returns the number of token ids.
   *
   * @return V, at least 1
   */
  int vocabSize();
}

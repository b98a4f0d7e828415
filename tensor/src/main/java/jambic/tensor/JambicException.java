package jambic.tensor;

/**
 * A failure the user can cause and mend. The message is one sentence: what was wrong, where, and
 * what to do.
 */
public class JambicException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a failure.
   *
   * @param message the sentence a user reads
   */
  public JambicException(String message) {
    super(message);
  }

  /**
   * Creates a failure that another one caused.
   *
   * @param message the sentence a user reads
   * @param cause what was thrown below
   */
  public JambicException(String message, Throwable cause) {
    super(message, cause);
  }
}

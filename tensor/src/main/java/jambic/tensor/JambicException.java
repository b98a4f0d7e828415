package jambic.tensor;

/**
 * A failure its user can mend: the message is one sentence that says what was wrong, where, and
 * what to do.
 */
public class JambicException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * A failure without an underlying cause.
   *
   * @param message one sentence for the user
   */
  public JambicException(String message) {
    super(message);
  }

  /**
   * A failure with the exception behind it.
   *
   * @param message one sentence for the user
   * @param cause what was thrown
   */
  public JambicException(String message, Throwable cause) {
    super(message, cause);
  }
}

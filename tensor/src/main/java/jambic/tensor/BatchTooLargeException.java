package jambic.tensor;

/** A device without memory for what a batch needs while it is computed. */
public final class BatchTooLargeException extends JambicException {
  private static final long serialVersionUID = 1L;

  /**
   * A batch that does not fit.
   *
   * @param message what was asked for, what there is, and last that a smaller batch or a shorter
   *     context needs less
   */
  public BatchTooLargeException(String message) {
    super(message);
  }
}

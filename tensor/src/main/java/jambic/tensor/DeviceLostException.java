package jambic.tensor;

/**
 * A device that failed for good, as far as this process is concerned: all that was on it is lost,
 * and only another process can use it again.
 */
public final class DeviceLostException extends JambicException {
  private static final long serialVersionUID = 1L;

  /**
   * A loss.
   *
   * @param message what failed, and what to do about the device
   * @param cause the call that said so
   */
  public DeviceLostException(String message, Throwable cause) {
    super(message, cause);
  }
}

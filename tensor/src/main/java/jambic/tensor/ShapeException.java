package jambic.tensor;

/**
 * Tensors whose shapes or types do not fit an operation; the message carries the operation and the
 * shapes.
 */
public final class ShapeException extends JambicException {
  private static final long serialVersionUID = 1L;

  /**
   * A mismatch of shapes or types.
   *
   * @param message the operation, what it needs, and what it got
   */
  public ShapeException(String message) {
    super(message);
  }
}

package jambic.train.config;

import jambic.tensor.JambicException;

/**
 * A hyperparameter cannot have its value: by itself, beside the others, or with the model or the
 * run that it is for. The message names it as {@link TrainConfig} does.
 */
public final class HyperparameterException extends JambicException {
  private static final long serialVersionUID = 1L;

  /**
   * A value that is refused.
   *
   * @param message one sentence for the user
   */
  public HyperparameterException(String message) {
    super(message);
  }

  /**
   * A value that is refused, with the exception behind it.
   *
   * @param message one sentence for the user
   * @param cause what was thrown
   */
  public HyperparameterException(String message, Throwable cause) {
    super(message, cause);
  }
}

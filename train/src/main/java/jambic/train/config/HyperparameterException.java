package jambic.train.config;

import jambic.model.ConfigException;

/**
 * A hyperparameter cannot have its value: by itself, beside the others, or with the model or the
 * run that it is for. The message names it as the settings do; {@link #in} as flags do.
 */
public final class HyperparameterException extends ConfigException {
  private static final long serialVersionUID = 1L;

  /**
   * A value that is refused.
   *
   * @param sentence one sentence for the user, with a {@code %s} for each argument
   * @param arguments values, and {@link jambic.model.ConfigMessage.Name}s of hyperparameters
   */
  public HyperparameterException(String sentence, Object... arguments) {
    super(sentence, arguments);
  }

  /**
   * A value that is refused, with the exception behind it.
   *
   * @param cause what was thrown
   * @param sentence one sentence for the user, with a {@code %s} for each argument
   * @param arguments values, and {@link jambic.model.ConfigMessage.Name}s of hyperparameters
   */
  public HyperparameterException(Throwable cause, String sentence, Object... arguments) {
    super(cause, sentence, arguments);
  }
}

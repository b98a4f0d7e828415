package jambic.model;

import jambic.tensor.JambicException;
import java.util.function.UnaryOperator;

/** Says which value of a configuration is out of range; {@link #in} says it in other words. */
public class ConfigException extends JambicException {
  private static final long serialVersionUID = 1L;

  /** Also of the names, which differ from format to format. */
  private final transient ConfigMessage message;

  /**
   * Makes the exception.
   *
   * @param sentence a format with a {@code %s} for each argument
   * @param arguments values, and {@link ConfigMessage.Name}s of them
   */
  public ConfigException(String sentence, Object... arguments) {
    this(null, new ConfigMessage(sentence, arguments));
  }

  /**
   * Makes the exception with the one behind it.
   *
   * @param cause what was thrown
   * @param sentence a format with a {@code %s} for each argument
   * @param arguments values, and {@link ConfigMessage.Name}s of them
   */
  public ConfigException(Throwable cause, String sentence, Object... arguments) {
    this(cause, new ConfigMessage(sentence, arguments));
  }

  private ConfigException(Throwable cause, ConfigMessage message) {
    super(message.toString(), cause);
    this.message = message;
  }

  /**
   * Returns the sentence in the words of a format of file, or of a command line.
   *
   * @param names what a value is called there, by the name of the record's component
   * @return the message with these names
   */
  public String in(UnaryOperator<String> names) {
    return message == null ? getMessage() : message.in(names); // none after serialization
  }
}

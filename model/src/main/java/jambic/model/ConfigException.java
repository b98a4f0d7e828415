package jambic.model;

import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * Says which value of a model's shape is out of range. The same value has another name in each
 * format of file, so the sentence can be had in the words of a format.
 */
public final class ConfigException extends JambicException {
  private static final long serialVersionUID = 1;

  /** A format, filled in with the arguments. */
  private final String sentence;

  private final transient Object[] arguments;

  /**
   * The name of a value, as the record has it.
   *
   * @param text the name of the record's component
   */
  public record Name(String text) {
    @Override
    public String toString() {
      return text;
    }
  }

  /**
   * Makes the exception.
   *
   * @param sentence a format with a {@code %s} for each argument
   * @param arguments values, and {@link Name}s of them
   */
  public ConfigException(String sentence, Object... arguments) {
    super(Text.format(sentence, arguments));
    this.sentence = sentence;
    this.arguments = arguments.clone();
  }

  /**
   * Returns the sentence in the words of a format.
   *
   * @param names what the format calls a component of the record
   * @return the message with these names
   */
  public String in(UnaryOperator<String> names) {
    Object[] renamed =
        Arrays.stream(arguments)
            .map(argument -> argument instanceof Name name ? names.apply(name.text()) : argument)
            .toArray();
    return Text.format(sentence, renamed);
  }
}

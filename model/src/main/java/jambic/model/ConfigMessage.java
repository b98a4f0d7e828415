package jambic.model;

import jambic.tensor.text.Text;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A sentence about values of a configuration. The same value has another name in each format of
 * file and on a command line, so the sentence can be had in the words of these.
 */
public final class ConfigMessage {
  private final String sentence;
  private final List<Object> arguments;

  /**
   * The name of a value.
   *
   * @param text the name of the record's component, or of what has a name of its own elsewhere
   * @param inJava what it is called in Java
   */
  public record Name(String text, String inJava) {
    /**
     * Names a record's component.
     *
     * @param text its name
     */
    public Name(String text) {
      this(text, text);
    }

    @Override
    public String toString() {
      return inJava;
    }
  }

  /**
   * Makes a sentence.
   *
   * @param sentence a format with a {@code %s} for each argument
   * @param arguments values, and {@link Name}s of them
   */
  public ConfigMessage(String sentence, Object... arguments) {
    this.sentence = sentence;
    this.arguments = Arrays.asList(arguments.clone());
  }

  /**
   * Returns the sentence in other words.
   *
   * @param names what a value is called there, by the name of the record's component
   * @return the sentence with these names
   */
  public String in(UnaryOperator<String> names) {
    return Text.format(
        sentence,
        arguments.stream()
            .map(argument -> argument instanceof Name name ? names.apply(name.text()) : argument)
            .toArray());
  }

  /** Returns the sentence with the names of the records' components. */
  @Override
  public String toString() {
    return Text.format(sentence, arguments.toArray());
  }
}

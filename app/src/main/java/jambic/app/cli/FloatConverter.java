package jambic.app.cli;

import jambic.tensor.text.Text;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of 32 bits; one that would become 0 or infinite there is none. */
public final class FloatConverter implements ITypeConverter<Float> {
  /** What {@link UsageErrors} is told that the text is not. */
  static final String KIND = "single";

  @Override
  public Float convert(String text) {
    try {
      float value = Float.parseFloat(text);
      boolean vanished = value == 0 && text.matches("[^eEpP]*[1-9].*");
      boolean burst = Float.isInfinite(value) && !text.contains("Infinity");
      if (vanished || burst) {
        throw new TypeConversionException(Text.format("'%s' is not a %s", text, KIND));
      }
      return value;
    } catch (NumberFormatException e) {
      throw new TypeConversionException(Text.format("'%s' is not a float", text));
    }
  }
}

package jambic.app.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of 32 bits; one that would become 0 or infinite there is none. */
public final class FloatConverter implements ITypeConverter<Float> {
  @Override
  public Float convert(String text) {
    try {
      float value = Float.parseFloat(text);
      boolean vanished = value == 0 && text.matches("[^eEpP]*[1-9].*");
      boolean burst = Float.isInfinite(value) && !text.contains("Infinity");
      if (vanished || burst) {
        throw new TypeConversionException(text);
      }
      return value;
    } catch (NumberFormatException e) {
      throw new TypeConversionException(text);
    }
  }

  /** Whether a refused text is a number at all, only too large or too small. */
  static boolean isNumber(String text) {
    try {
      Float.parseFloat(text);
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }
}

package jambic.app.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a number of 64 bits; one that would become infinite there is none. */
public final class DoubleConverter implements ITypeConverter<Double> {
  @Override
  public Double convert(String text) {
    try {
      double value = Double.parseDouble(text);
      if (Double.isInfinite(value) && !text.contains("Infinity")) {
        throw new TypeConversionException(text);
      }
      return value;
    } catch (NumberFormatException e) {
      throw new TypeConversionException(text);
    }
  }
}

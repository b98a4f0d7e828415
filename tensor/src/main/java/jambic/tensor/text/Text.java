package jambic.tensor.text;

import java.util.Locale;

/** Formats text the same on every machine, whatever its locale: digits are 0 to 9. */
public final class Text {
  private Text() {}

  /**
   * Formats a text for people or for programs.
   *
   * @param format as {@link String#format(Locale, String, Object...)} takes it
   * @param arguments what it refers to
   * @return the text
   */
  public static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}

package jambic.model.nn;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Compiles Python's regular expressions, as far as Java's mean the same. */
final class PythonPattern {
  /** In a class of characters these are plain characters to Python, and operators to Java. */
  private static final Pattern OTHER_MEANING = Pattern.compile("\\[[^\\]]*(&&|\\[)");

  private static final Pattern GROUP_NAME = Pattern.compile("\\(\\?P<(\\w+)>");

  private PythonPattern() {}

  /**
   * Compiles an expression.
   *
   * @param where what errors name: the file and the key
   * @throws JambicException if Java cannot compile it, or would read it otherwise
   */
  static Pattern compile(String where, String expression) {
    try {
      if (OTHER_MEANING.matcher(expression).find()) {
        throw unsupported(where, expression, "[ and && inside [...] mean something else in Java");
      }
      return Pattern.compile(named(expression));
    } catch (PatternSyntaxException e) {
      throw unsupported(where, expression, ErrorText.complaint(e.getDescription()));
    }
  }

  /** Python's names of groups may have underscores, Java's must not. */
  private static String named(String expression) {
    return GROUP_NAME
        .matcher(expression)
        .replaceAll(name -> "(?<" + name.group(1).replace("_", "") + ">");
  }

  private static JambicException unsupported(String where, String expression, String reason) {
    return new JambicException(
        Text.format(
            "%s: the regular expression %s is not supported: %s; write it without that, or as a list of names",
            where, ErrorText.quote(expression), reason));
  }
}

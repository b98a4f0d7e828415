package jambic.app;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A command to go on with, as a person pastes it into a POSIX shell. */
final class ShellCommand {
  /** What {@code ./jambic} was called by; without it the tool is on the path. */
  static final String CALLED = "jambic.command";

  private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}_./:@%+=,-]+");

  private ShellCommand() {}

  /** The tool with these words, quoted where the shell would read something else. */
  static String of(Object... words) {
    return Stream.concat(
            Stream.of(System.getProperty(CALLED, "jambic")),
            Stream.of(words).map(Object::toString).map(ShellCommand::literal))
        .map(ShellCommand::quoted)
        .collect(Collectors.joining(" "));
  }

  /** A word that begins with an {@code @} would name a file of flags. */
  private static String literal(String word) {
    return word.startsWith("@") ? "@" + word : word;
  }

  private static String quoted(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}

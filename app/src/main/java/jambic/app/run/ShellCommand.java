package jambic.app.run;

import java.io.File;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A command to go on with, as a person pastes it into a POSIX shell. */
public final class ShellCommand {
  /** What {@code ./jambic} was called by. */
  public static final String CALLED = "jambic.command";

  private static final Pattern PLAIN = Pattern.compile("[\\p{L}\\p{N}_./:@%+=,-]+");

  private ShellCommand() {}

  /** The tool with these words, quoted where the shell would read something else. */
  public static String of(Object... words) {
    return Stream.concat(tool(), Stream.of(words).map(ShellCommand::literal))
        .map(ShellCommand::quoted)
        .collect(Collectors.joining(" "));
  }

  /** The script's word, else the executable jar or what is on the path. */
  private static Stream<String> tool() {
    String called = System.getProperty(CALLED);
    String path = System.getProperty("java.class.path");
    if (called == null && path.endsWith(".jar") && !path.contains(File.pathSeparator)) {
      return Stream.of("java", "--add-modules", "jdk.incubator.vector", "-jar", path);
    }
    return Stream.of(called == null ? "jambic" : called);
  }

  /** A path that begins with one of these would name a file of flags, or be a flag. */
  private static String literal(Object word) {
    String text = word.toString();
    boolean isTaken = word instanceof Path && (text.startsWith("@") || text.startsWith("-"));
    return isTaken ? "./" + text : text;
  }

  private static String quoted(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}

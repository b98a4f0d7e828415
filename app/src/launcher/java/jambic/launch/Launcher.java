package jambic.launch;

import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;

/**
 * The main class of the executable jar. It is compiled for Java 8 and links to nothing else, so
 * that a Java that cannot run Jambic still reads a sentence instead of a linkage error.
 */
public final class Launcher {

  private static final int NEEDED = 25;
  private static final int REFUSED = 2;

  private Launcher() {}

  /**
   * Checks the Java it runs on, then starts the command line.
   *
   * @param args what the user typed
   * @throws Throwable whatever the command line throws
   */
  public static void main(String[] args) throws Throwable {
    String version = System.getProperty("java.specification.version");
    if (tooOld(version)) {
      refuse(
          String.format(
              Locale.ROOT,
              "this is Java %s and Jambic needs Java %d or newer: get one from"
                  + " https://adoptium.net",
              version,
              NEEDED));
    }
    if (!vectorModuleResolved() && vectorModuleInstalled()) {
      refuse("the Vector API is not switched on, start it with: " + command(args));
    }
    try {
      Class.forName("jambic.app.Main")
          .getMethod("main", String[].class)
          .invoke(null, (Object) args);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Java 8 and before called themselves 1.8, 1.7 and so on. */
  static boolean tooOld(String version) {
    return version.startsWith("1.") || Integer.parseInt(version) < NEEDED;
  }

  private static boolean vectorModuleResolved() {
    try {
      Class.forName("jdk.incubator.vector.FloatVector", false, Launcher.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /** A trimmed runtime may lack the module: then the plain-loop backend has to do. */
  private static boolean vectorModuleInstalled() {
    try {
      return Files.exists(Paths.get(URI.create("jrt:/jdk.incubator.vector")));
    } catch (FileSystemNotFoundException e) {
      return false;
    }
  }

  private static String command(String[] args) {
    StringBuilder command = new StringBuilder("java --add-modules jdk.incubator.vector -jar ");
    command.append(quoted(System.getProperty("java.class.path")));
    for (String arg : args) {
      command.append(' ').append(quoted(arg));
    }
    return command.toString();
  }

  private static String quoted(String word) {
    return word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  private static void refuse(String sentence) {
    System.err.println("jambic: " + sentence);
    System.exit(REFUSED);
  }
}

package jambic.app.data;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Where an operating system keeps files that can be had again. */
final class CacheFolder {
  private CacheFolder() {}

  /**
   * This user's folder for Jambic, which may not exist yet.
   *
   * @param os the name of the system, as in {@code os.name}
   * @param environment the process's environment
   * @param home the user's home
   */
  static Path of(String os, Map<String, String> environment, Path home) {
    String system = os.toLowerCase(Locale.ROOT);
    if (system.startsWith("windows")) {
      return given(environment, "LOCALAPPDATA", home.resolve("AppData").resolve("Local"))
          .resolve("jambic")
          .resolve("cache");
    }
    if (system.startsWith("mac")) {
      return home.resolve("Library").resolve("Caches").resolve("jambic");
    }
    return given(environment, "XDG_CACHE_HOME", home.resolve(".cache")).resolve("jambic");
  }

  /** One that is relative does not count, as the XDG base directory specification has it. */
  private static Path given(Map<String, String> environment, String name, Path otherwise) {
    Path path = Path.of(environment.getOrDefault(name, ""));
    return path.isAbsolute() ? path : otherwise;
  }
}

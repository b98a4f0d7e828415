package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheFolderTest {
  private static final Path HOME = Path.of("home");

  @Test
  void eachSystemHasItsOwn() {
    assertThat(folder("Linux", Map.of())).isEqualTo(Path.of("home/.cache/jambic"));
    String given = Path.of("given").toAbsolutePath().toString();
    assertThat(folder("Linux", Map.of("XDG_CACHE_HOME", given)))
        .isEqualTo(Path.of(given, "jambic"));
    assertThat(folder("Mac OS X", Map.of("XDG_CACHE_HOME", given)))
        .isEqualTo(Path.of("home/Library/Caches/jambic"));
    assertThat(folder("Windows 11", Map.of("LOCALAPPDATA", given)))
        .isEqualTo(Path.of(given, "jambic", "cache"));
    assertThat(folder("Windows 11", Map.of()))
        .isEqualTo(Path.of("home/AppData/Local/jambic/cache"));
  }

  @Test
  void aRelativeFolderDoesNotCount() {
    assertThat(folder("Linux", Map.of("XDG_CACHE_HOME", "xdg")))
        .isEqualTo(folder("Linux", Map.of()));
  }

  private static Path folder(String os, Map<String, String> environment) {
    return CacheFolder.of(os, environment, HOME);
  }
}

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
    assertThat(folder("Linux", Map.of("XDG_CACHE_HOME", "xdg"))).isEqualTo(Path.of("xdg/jambic"));
    assertThat(folder("Mac OS X", Map.of("XDG_CACHE_HOME", "xdg")))
        .isEqualTo(Path.of("home/Library/Caches/jambic"));
    assertThat(folder("Windows 11", Map.of("LOCALAPPDATA", "local")))
        .isEqualTo(Path.of("local/jambic/cache"));
    assertThat(folder("Windows 11", Map.of()))
        .isEqualTo(Path.of("home/AppData/Local/jambic/cache"));
  }

  private static Path folder(String os, Map<String, String> environment) {
    return CacheFolder.of(os, environment, HOME);
  }
}

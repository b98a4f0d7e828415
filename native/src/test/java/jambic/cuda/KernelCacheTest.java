package jambic.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCacheTest {
  private static final byte[] CODE = {1, 2, 3};

  @TempDir private Path folder;

  private static byte[] unexpected() {
    throw new AssertionError("compiled again");
  }

  private Path onlyFile(Path cache) throws IOException {
    try (var files = Files.list(cache)) {
      return files.toList().getFirst();
    }
  }

  @Test
  void compilesOnce() {
    KernelCache cache = new KernelCache(folder.resolve("a/b"));
    assertThat(cache.get("key", CODE::clone)).isEqualTo(CODE);
    assertThat(cache.get("key", KernelCacheTest::unexpected)).isEqualTo(CODE);
  }

  @Test
  void aDamagedFileIsCompiledAgain() throws IOException {
    KernelCache cache = new KernelCache(folder);
    cache.get("key", CODE::clone);
    Path file = onlyFile(folder);
    for (byte[] damaged : List.of(new byte[0], new byte[20], new byte[40])) {
      Files.write(file, damaged);
      assertThat(cache.get("key", () -> new byte[] {9})).containsExactly(9);
      assertThat(cache.get("key", KernelCacheTest::unexpected)).containsExactly(9);
    }
  }

  @Test
  void aFolderThatCannotBeWrittenOnlyCostsTime() throws IOException {
    KernelCache cache = new KernelCache(Files.createFile(folder.resolve("file")));
    assertThat(cache.get("key", CODE::clone)).isEqualTo(CODE);
    assertThat(cache.get("key", CODE::clone)).isEqualTo(CODE);
  }

  @Test
  void everythingThatCodeFollowsFromIsInTheKey() {
    KernelSource source = new KernelSource("a.cu", "text", Map.of("b.cuh", "header"));
    List<String> options = List.of("-O", "sm_90");
    Set<String> keys = new HashSet<>();
    keys.add(KernelCache.key(source, options, "13.0"));
    keys.add(KernelCache.key(source, options, "13.1"));
    keys.add(KernelCache.key(source, List.of("-Osm_90"), "13.0"));
    keys.add(KernelCache.key(new KernelSource("a.cu", "text2", source.headers()), options, "13.0"));
    keys.add(
        KernelCache.key(
            new KernelSource("a.cu", "text", Map.of("b.cuh", "header2")), options, "13.0"));
    assertThat(keys).hasSize(5);
    assertThat(keys).contains(KernelCache.key(source, options, "13.0"));
  }

  @Test
  void theUsersOwnFolderFollowsTheSystemsRule() {
    assertThat(KernelCache.ofUser(Map.of("XDG_CACHE_HOME", "/caches")).folder())
        .isEqualTo(Path.of("/caches/jambic/kernels"));
    assertThat(KernelCache.ofUser(Map.of("XDG_CACHE_HOME", "relative")).folder())
        .isEqualTo(KernelCache.ofUser(Map.of()).folder())
        .isAbsolute();
  }
}

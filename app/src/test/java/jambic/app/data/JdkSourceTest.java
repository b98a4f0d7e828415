package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JdkSourceTest {
  @TempDir Path home;

  @Test
  void thisJdkGivesAboutAMegabyte() {
    Path java = Path.of(System.getProperty("java.home"));
    assumeTrue(
        Files.exists(java.resolve("lib").resolve("src.zip")), "this Java comes without src.zip");
    Corpus corpus = JdkSource.read(java);
    assertThat(corpus.text()).startsWith("package java.util;").contains("class ArrayList<E>");
    assertThat(corpus.text()).doesNotContain("GNU General Public License");
    assertThat(corpus.text().length()).isBetween(1 << 20, 3 << 19);
    assertThat(JdkSource.read(java).sha256()).isEqualTo(corpus.sha256());
  }

  @Test
  void classesComeByNameAndNothingElseComes() throws IOException {
    Map<String, String> entries = new LinkedHashMap<>();
    entries.put("java.base/java/util/Z.java", "/*\n * license\n */\npackage java.util;\nZ\n");
    entries.put("java.base/java/util/A.java", "package java.util;\nA\n");
    entries.put("java.base/java/util/concurrent/B.java", "no");
    entries.put("java.logging/java/util/logging/C.java", "no");
    entries.put("java.base/java/util/package-info.java", "no");
    zip(entries);
    assertThat(JdkSource.read(home).text())
        .isEqualTo("package java.util;\nA\npackage java.util;\nZ\n");
  }

  @Test
  void itStopsAfterAMegabyte() throws IOException {
    Map<String, String> entries = new LinkedHashMap<>();
    for (char name = 'A'; name <= 'Z'; name++) {
      entries.put("java.base/java/util/" + name + ".java", (name + "\n").repeat(100_000));
    }
    zip(entries);
    assertThat(JdkSource.read(home).text()).hasSize(1_200_000).endsWith("F\n");
  }

  @Test
  void anArchiveOfSomethingElseIsNamed() throws IOException {
    zip(Map.of("readme.txt", "hello"));
    assertThatThrownBy(() -> JdkSource.read(home))
        .isInstanceOf(JambicException.class)
        .hasMessageEndingWith("src.zip holds no java.util; give a text with --data FILE");
    Files.writeString(home.resolve("lib/src.zip"), "not a zip");
    assertThatThrownBy(() -> JdkSource.read(home))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith("cannot read " + home.resolve("lib").resolve("src.zip"));
  }

  private void zip(Map<String, String> entries) throws IOException {
    Path lib = Files.createDirectories(home.resolve("lib"));
    try (OutputStream out = Files.newOutputStream(lib.resolve("src.zip"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (var entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue().getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}

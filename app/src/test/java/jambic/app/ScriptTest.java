package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code jambic}, in a folder whose JDK and Maven only say how they were called. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no POSIX shell")
class ScriptTest {
  private static final String SAY =
      "#!/bin/sh\nprintf '%s\\n' \"home=$HOME\" \"all=$LC_ALL\" \"$@\"\n";

  @TempDir private Path folder;

  @Test
  void aRecordIsTakenWhereThePathIsAscii() throws Exception {
    assertThat(run(clone("a b", true), "./jambic", Map.of()))
        .anyMatch(argument -> argument.startsWith("-XX:AOTCache="))
        .endsWith("-m", "jambic.app/jambic.app.Main", "plan", "sp ace");
    assumeThat(Charset.forName(System.getProperty("sun.jnu.encoding")).newEncoder().canEncode('ä'))
        .isTrue();
    assertThat(run(clone("jäm", true), "./jambic", Map.of()))
        .contains("-Xshare:auto", "plan", "sp ace")
        .noneMatch(argument -> argument.contains("AOTCache"));
  }

  @Test
  void itTellsHowItWasCalled() throws Exception {
    Path root = clone("clone", true);
    assertThat(run(root, "./jambic", Map.of())).contains("-Djambic.command=./jambic");
    assertThat(run(root, "sh jambic", Map.of())).contains("-Djambic.command=./jambic");
    assertThat(run(root, "sh jambic", Map.of())).contains("-Djambic.command=./jambic");
    assertThat(run(root, root + "/jambic", Map.of()))
        .contains("-Djambic.command=" + root + "/jambic");
    assertThat(run(root, "jambic", Map.of("PATH", root + ":" + System.getenv("PATH"))))
        .contains("-Djambic.command=jambic");
  }

  @Test
  void thereIsAHomeAndALocaleBeforeTheBuild() throws Exception {
    Path root = clone("clone", false);
    assertThat(run(root, "./jambic", Map.of("LC_ALL", "C", "HOME", "")))
        .anyMatch(line -> line.matches("home=/.*"))
        .contains("all=C.UTF-8");
    assertThat(Files.readAllLines(root.resolve("app/target/build.log")))
        .anyMatch(line -> line.matches("home=/.*"))
        .contains("all=C.UTF-8", "package");
  }

  private Path clone(String name, boolean isBuilt) throws IOException {
    Path root = Files.createDirectories(folder.toRealPath().resolve(name));
    Path target = Files.createDirectories(root.resolve("app/target"));
    Files.copy(Path.of("..", "jambic"), root.resolve("jambic"));
    script(root.resolve("bin/find-jdk"), "#!/bin/sh\necho '%s/jdk'\n".formatted(root));
    script(root.resolve("jdk/bin/java"), SAY);
    script(root.resolve("mvnw"), SAY);
    if (isBuilt) {
      Path stamp = Files.createFile(target.resolve("built"));
      Files.setLastModifiedTime(stamp, FileTime.from(Instant.now().plusSeconds(60)));
    }
    return root;
  }

  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private static List<String> run(Path root, String command, Map<String, String> environment)
      throws Exception {
    var builder = new ProcessBuilder("sh", "-c", command + " plan 'sp ace'");
    builder.directory(root.toFile()).redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().putAll(environment);
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor()).isZero();
    return lines;
  }
}

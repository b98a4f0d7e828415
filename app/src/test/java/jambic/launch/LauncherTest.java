package jambic.launch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The executable jar's main class, started in a Java of its own on the class path. */
class LauncherTest {

  private static final Path CLASSES = Path.of("target", "classes");

  private record Ended(int code, String err) {}

  @Test
  void withoutTheVectorModuleItPrintsTheCommandToUse() throws Exception {
    Ended ended = start("train", "--data", "my text.txt");
    assertThat(ended.err)
        .isEqualToIgnoringNewLines(
            "jambic: the Vector API is not switched on, start it with: "
                + "java --add-modules jdk.incubator.vector -jar target/classes"
                + " train --data 'my text.txt'");
    assertThat(ended.code).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"1.8, true", "17, true", "24, true", "25, false", "26, false", "100, false"})
  void onlyAnOlderJavaIsRefused(String version, boolean refused) {
    assertThat(Launcher.tooOld(version)).isEqualTo(refused);
  }

  @Test
  void anyJavaSinceEightLoadsIt() throws IOException {
    byte[] type = Files.readAllBytes(CLASSES.resolve("jambic/launch/Launcher.class"));
    int major = (type[6] & 0xff) << 8 | type[7] & 0xff;
    assertThat(major).isEqualTo(52);
  }

  @Test
  void anOlderJavaNeedsNoOtherClassOfJambic() throws IOException {
    byte[] type = Files.readAllBytes(CLASSES.resolve("jambic/launch/Launcher.class"));
    List<String> others = new ArrayList<>();
    for (var entry : ClassFile.of().parse(type).constantPool()) {
      if (entry instanceof ClassEntry used
          && used.asInternalName().startsWith("jambic/")
          && !used.asInternalName().startsWith("jambic/launch/")) {
        others.add(used.asInternalName());
      }
    }
    assertThat(others).isEmpty();
  }

  private static Ended start(String... args) throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", CLASSES.toString(), "jambic.launch.Launcher"));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).start();
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), err);
  }
}

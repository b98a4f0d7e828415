package jambic.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The executable jar's main class, started in a Java of its own on the class path. */
class LauncherTest {

  private static final Path CLASSES = Path.of("target", "classes");

  private record Ended(int code, String err) {}

  @Test
  void withoutTheVectorModuleItPrintsTheCommandToUse() throws Exception {
    Ended ended = start(List.of(), "train", "--data", "my text.txt");
    assertThat(ended.err)
        .isEqualToIgnoringNewLines(
            "jambic: the Vector API is not switched on, start it with: "
                + "java --add-modules jdk.incubator.vector -jar target/classes"
                + " train --data 'my text.txt'");
    assertThat(ended.code).isEqualTo(2);
  }

  @Test
  void anOlderJavaIsToldSo() throws Exception {
    Ended ended = start(List.of("-Djava.specification.version=17"), "train");
    assertThat(ended.err)
        .isEqualToIgnoringNewLines(
            "jambic: this is Java 17 and Jambic needs Java 25 or newer: get one from"
                + " https://adoptium.net");
    assertThat(ended.code).isEqualTo(2);
  }

  @Test
  void anyJavaSinceEightLoadsIt() throws IOException {
    byte[] type = Files.readAllBytes(CLASSES.resolve("jambic/launch/Launcher.class"));
    int major = (type[6] & 0xff) << 8 | type[7] & 0xff;
    assertThat(major).isEqualTo(52);
  }

  private static Ended start(List<String> flags, String... args)
      throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", CLASSES.toString(), "jambic.launch.Launcher"));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).start();
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), err);
  }
}

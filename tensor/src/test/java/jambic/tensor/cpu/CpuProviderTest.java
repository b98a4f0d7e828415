package jambic.tensor.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jambic.tensor.Backends;
import jambic.tensor.spi.BackendProvider;
import jambic.tensor.spi.BackendProvider.Available;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class CpuProviderTest {
  @Test
  void isWhatAutoPicks() {
    assertThat(Backends.providers().getFirst()).isInstanceOf(CpuProvider.class);
    assertThat(new CpuProvider().probe()).isInstanceOf(Available.class);
    try (var backend = Backends.open("auto", 2)) {
      assertThat(backend.name()).isEqualTo("cpu");
      assertThat(backend.description()).matches("\\d+-bit vectors, 2 threads");
    }
  }

  @Test
  void aJavaWithoutTheVectorModuleGetsAnAnswerAndTheReference() throws Exception {
    String classes = root(CpuProvider.class) + File.pathSeparator + root(Probe.class);
    Process java =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classes,
                Probe.class.getName())
            .start();
    String output = new String(java.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String logged = new String(java.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(java.waitFor()).as(output + logged).isZero();
    assertThat(logged)
        .contains(
            "WARNING: computing on the backend reference, because cpu is not available: the Java"
                + " runtime was started without its module jdk.incubator.vector; add --add-modules"
                + " jdk.incubator.vector to the java command");
    assertThat(output.lines())
        .containsExactly(
            "the Java runtime was started without its module jdk.incubator.vector",
            "add --add-modules jdk.incubator.vector to the java command",
            "reference");
  }

  /** Runs in a Java without the module. */
  static final class Probe {
    public static void main(String[] args) {
      for (BackendProvider provider : Backends.providers()) {
        if (provider.probe() instanceof BackendProvider.Unavailable missing) {
          System.out.println(missing.reason());
          System.out.println(missing.remedy());
        }
      }
      System.out.println(Backends.open().name());
    }
  }

  /** The folder of a class file: a class path, also where the class is in a patched module. */
  private static Path root(Class<?> type) throws URISyntaxException, IOException {
    String file = type.getName().replace('.', '/') + ".class";
    Path path = Path.of(type.getResource("/" + file).toURI());
    for (int i = 0; i < file.split("/").length; i++) {
      path = path.getParent();
    }
    return path;
  }
}

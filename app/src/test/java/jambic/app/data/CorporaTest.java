package jambic.app.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.app.terminal.Terminal;
import jambic.tensor.JambicException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class CorporaTest {
  private static final byte[] PLAY = "First Citizen:\nBefore we proceed\n".getBytes();

  @TempDir Path folder;
  private Path cache;
  private Path java;
  private LoopbackServer online;
  private LoopbackServer broken;
  private final StringWriter said = new StringWriter();

  @BeforeEach
  void start() throws IOException {
    cache = folder.resolve("cache");
    java = folder.resolve("java");
    online = new LoopbackServer(LoopbackServer.answer("200 OK", PLAY.length, PLAY));
    broken = new LoopbackServer(LoopbackServer.answer("503 Unavailable", 0, new byte[0]));
  }

  @AfterEach
  void stop() throws IOException {
    online.close();
    broken.close();
  }

  @Test
  void theDataFolderComesFirst() throws IOException {
    Path data = Files.createDirectories(folder.resolve("data/tinyshakespeare"));
    Path file = Files.write(data.resolve("input.txt"), PLAY);
    for (Path named : new Path[] {folder.resolve("data"), data, file}) {
      Corpus corpus = corpora(broken, Map.of("JAMBIC_DATA", named.toString())).loadDefault();
      assertThat(corpus).isEqualTo(new Corpus("tinyshakespeare", new String(PLAY)));
      assertThat(corpus.sha256()).isEqualTo(Sha256.of(PLAY));
    }
    assertThat(said).hasToString("");
    assertThat(broken.requests()).isEmpty();
  }

  @Test
  void aDataFolderWithAnotherTextIsAnError() throws IOException {
    Path file = Files.writeString(folder.resolve("input.txt"), "something else");
    assertThatThrownBy(
            () -> corpora(online, Map.of("JAMBIC_DATA", file.toString())).load("tinyshakespeare"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "%s is not tiny Shakespeare, its SHA-256 is another; to train on it all the same, say"
                + " --data %s",
            file, file);
    Path nowhere = folder.resolve("nowhere");
    assertThatThrownBy(() ->
            corpora(online, Map.of("JAMBIC_DATA", nowhere.toString())).load("tinyshakespeare"))
        .hasMessage("JAMBIC_DATA names %s, which does not exist", nowhere);
  }

  @Test
  void whereARunFoundItIsLookedAtBeforeAnythingIsDownloaded() throws IOException {
    Path file = Files.write(folder.resolve("input.txt"), PLAY);
    Corpora again = corpora(broken, Map.of()).remembering(Optional.of(file));
    assertThat(again.load("tinyshakespeare").text()).isEqualTo(new String(PLAY));
    assertThat(broken.requests()).isEmpty();
    Files.writeString(file, "something else"); // as if it were not there
    Corpora changed = corpora(online, Map.of()).remembering(Optional.of(file));
    assertThat(changed.load("tinyshakespeare").text()).isEqualTo(new String(PLAY));
    assertThat(online.requests()).hasSize(1);
  }

  @Test
  void aDownloadIsKeptForTheNextTime() throws IOException {
    Map<String, String> empty = Map.of("JAMBIC_DATA", folder.toString());
    assertThat(corpora(online, empty).loadDefault().text()).isEqualTo(new String(PLAY));
    assertThat(said).hasToString("downloading " + online.uri() + System.lineSeparator());
    assertThat(Files.readAllBytes(cache.resolve("tinyshakespeare/input.txt"))).isEqualTo(PLAY);
    assertThat(corpora(broken, Map.of()).loadDefault().text()).isEqualTo(new String(PLAY));
    assertThat(broken.requests()).isEmpty();
  }

  @Test
  void aSpoiltCacheIsDownloadedAgain() throws IOException {
    Path cached = cache.resolve("tinyshakespeare/input.txt");
    Files.createDirectories(cached.getParent());
    Files.writeString(cached, "half of a pl");
    assertThat(corpora(online, Map.of()).loadDefault().text()).isEqualTo(new String(PLAY));
    assertThat(Files.readAllBytes(cached)).isEqualTo(PLAY);
  }

  @Test
  void aCacheThatCannotBeWrittenStopsNobody() throws IOException {
    Files.writeString(cache, "a file where the folder should be");
    assertThat(corpora(online, Map.of()).loadDefault().text()).isEqualTo(new String(PLAY));
    assertThat(said.toString()).contains("cannot keep it for the next time: ");
  }

  @Test
  void withoutANetworkTheJdksOwnSourcesServe() throws IOException {
    zip("java.base/java/util/B.java", "/* license */\npackage java.util;\nclass B {}\n");
    Corpus corpus = corpora(broken, Map.of()).loadDefault();
    assertThat(corpus).isEqualTo(new Corpus("jdk-source", "package java.util;\nclass B {}\n"));
    assertThat(said.toString().lines())
        .containsExactly(
            "downloading " + broken.uri(),
            "cannot download " + broken.uri() + ": the server answered 503",
            "training on jdk-source instead: java.util of this Java, 30 characters");
  }

  @Test
  void whoAsksForTinyShakespeareGetsNothingElse() throws IOException {
    zip("java.base/java/util/B.java", "package java.util;\nclass B {}\n");
    assertThatThrownBy(() -> corpora(broken, Map.of()).load("tinyshakespeare"))
        .isInstanceOf(JambicException.class)
        .hasMessage("cannot download " + broken.uri() + ": the server answered 503");
  }

  @Test
  void withNeitherNetworkNorSourcesThereIsAWayOut() {
    assertThatThrownBy(() -> corpora(broken, Map.of()).loadDefault())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            "this Java has no sources at %s; give a text with --data FILE",
            java.resolve("lib").resolve("src.zip"));
  }

  @Test
  void aFileIsReadAsItIs() throws IOException {
    Path file = Files.writeString(folder.resolve("moby.txt"), "Call me Ishmael.");
    assertThat(corpora(broken, Map.of()).load(file.toString()))
        .isEqualTo(new Corpus(file.toString(), "Call me Ishmael."));
    for (String none : new String[] {"tinyshakespear", "\0"}) {
      assertThatThrownBy(() -> corpora(broken, Map.of()).load(none))
          .isInstanceOf(JambicException.class)
          .hasMessage(
              "there is no file %s to train on; give --data a file, tinyshakespeare or jdk-source",
              none);
    }
  }

  private Corpora corpora(LoopbackServer server, Map<String, String> environment) {
    return new Corpora(
        environment,
        cache,
        java,
        new Download(EnvironmentProxies.of(Map.of()), Duration.ofSeconds(10)),
        new Download.Remote(server.uri(), PLAY.length, Sha256.of(PLAY)),
        Terminal.of(new PrintWriter(said)));
  }

  private void zip(String name, String content) throws IOException {
    Path lib = Files.createDirectories(java.resolve("lib"));
    try (OutputStream out = Files.newOutputStream(lib.resolve("src.zip"));
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry(name));
      zip.write(content.getBytes(StandardCharsets.UTF_8));
    }
  }
}

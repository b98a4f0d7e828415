package jambic.app.data;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.app.terminal.Terminal;
import jambic.tensor.JambicException;
import jambic.train.example.LabelledSplit;
import jambic.train.example.LabelledText;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SentimentCorpusTest {
  @TempDir Path folder;
  private final Map<String, byte[]> files =
      new TreeMap<>(Map.of("amazon.json", json("good"), "imdb.json", json("fine")));
  private final StringWriter said = new StringWriter();
  private byte[] archive;
  private LoopbackServer server;

  /** Twenty sentences, and an empty one. */
  private static byte[] json(String word) {
    String rows =
        IntStream.range(0, 20)
            .mapToObj(i -> "{\"text\":\"%s %d\",\"class\":%d},".formatted(word, i, i % 2))
            .collect(Collectors.joining());
    return ("[" + rows + "{\"text\":\"\",\"class\":null}]").getBytes(UTF_8);
  }

  @BeforeEach
  void start() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(entry("package/LICENSE", "MIT".getBytes(UTF_8)));
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        out.write(entry("package/test/fixtures/" + file.getKey(), file.getValue()));
      }
      out.write(new byte[1024]);
    }
    archive = bytes.toByteArray();
    server =
        LoopbackServer.answering(head -> LoopbackServer.answer("200 OK", archive.length, archive));
  }

  private static byte[] entry(String name, byte[] content) {
    byte[] entry = new byte[512 + Math.ceilDiv(content.length, 512) * 512];
    System.arraycopy(name.getBytes(ISO_8859_1), 0, entry, 0, name.length());
    byte[] size = "%011o ".formatted(content.length).getBytes(ISO_8859_1);
    System.arraycopy(size, 0, entry, 124, size.length);
    System.arraycopy(content, 0, entry, 512, content.length);
    return entry;
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private SentimentCorpus corpus(Map<String, String> environment) {
    Map<String, String> checksums =
        files.entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, file -> Sha256.of(file.getValue())));
    URI uri = server.uri().resolve("/sentiment.tgz");
    return new SentimentCorpus(
        environment,
        folder.resolve("cache"),
        new Download(EnvironmentProxies.of(Map.of()), Duration.ofSeconds(10)),
        Terminal.of(new PrintWriter(said)),
        new Download.Remote(uri, archive.length, Sha256.of(archive)),
        checksums);
  }

  @Test
  void isDownloadedOnceAndItsLicenseIsSaid() throws IOException {
    LabelledSplit split = corpus(Map.of()).load();
    assertThat(split.train().size() + split.heldOut().size()).isEqualTo(40);
    assertThat(split.labels()).containsExactly("negative", "positive");
    assertThat(Stream.concat(split.train().stream(), split.heldOut().stream()))
        .contains(new LabelledText("good 0", "negative"), new LabelledText("fine 7", "positive"));
    assertThat(said.toString())
        .contains("licensed MIT")
        .contains("downloading " + server.uri().resolve("/sentiment.tgz"));
    said.getBuffer().setLength(0);
    server.close();
    assertThat(corpus(Map.of()).load()).isEqualTo(split);
    assertThat(said.toString()).isEmpty();
  }

  @Test
  void theDataFolderComesFirstAndMustHaveTheOriginals() throws IOException {
    Path given = Files.createDirectory(folder.resolve("sentiment"));
    Map<String, String> environment = Map.of("JAMBIC_DATA", folder.toString());
    Files.write(given.resolve("amazon.json"), files.get("amazon.json"));
    assertThatThrownBy(() -> corpus(environment).load())
        .isInstanceOf(JambicException.class)
        .hasMessage(
            given
                + " lacks imdb.json; add it, or take the folder away to have sentiment downloaded");
    Files.writeString(given.resolve("imdb.json"), "[]");
    assertThatThrownBy(() -> corpus(environment).load())
        .hasMessage(
            given.resolve("imdb.json") + " is not the file of sentiment, its SHA-256 is another");
    Files.write(given.resolve("imdb.json"), files.get("imdb.json"));
    assertThat(corpus(environment).load().train()).isNotEmpty();
    assertThat(said.toString()).isEmpty();
  }

  @Test
  void anotherArchiveIsRefused() {
    SentimentCorpus corpus = corpus(Map.of());
    byte[] other = archive.clone();
    other[other.length / 2] ^= 1;
    archive = other;
    assertThatThrownBy(corpus::load)
        .isInstanceOf(JambicException.class)
        .hasMessageContaining("what came is another file, of SHA-256");
  }

  @Test
  void theRealOneHas2979SentencesOfWhichAFifthIsHeldOut() {
    String data = System.getenv().getOrDefault("JAMBIC_DATA", "");
    Assumptions.assumeTrue(
        !data.isEmpty() && Files.isDirectory(Path.of(data, SentimentCorpus.NAME)),
        "JAMBIC_DATA has no sentiment");
    LabelledSplit split = SentimentCorpus.of(Terminal.of(new PrintWriter(said))).load();
    assertThat(split.train().size() + split.heldOut().size()).isEqualTo(2979);
    assertThat(split.repeated()).isEqualTo(21);
    assertThat(split.heldOut()).hasSizeBetween(540, 650);
    assertThat(split.heldOut().stream().filter(text -> text.label().equals("positive")).count())
        .isBetween(250L, 350L);
  }
}

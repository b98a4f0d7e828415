package jambic.app.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jambic.app.terminal.Terminal;
import jambic.tensor.JambicException;
import jambic.train.pairs.LanguagePair;
import jambic.train.pairs.Pair;
import jambic.train.pairs.PairSplit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PairCorporaTest {
  private static final Optional<LanguagePair> TO_FRENCH = Optional.of(new LanguagePair("en", "fr"));
  private static final Pair CAT = new Pair("le chat", "the cat");
  private static final Pair DOG = new Pair("le chien", "the dog");

  @TempDir Path folder;
  private final Map<String, byte[]> files = new HashMap<>();
  private final StringWriter said = new StringWriter();
  private LoopbackServer server;

  @BeforeEach
  void start() throws IOException {
    files.put("train.fr.gz", gzip("le chat\n"));
    files.put("train.en.gz", gzip("the cat\n"));
    files.put("val.fr.gz", gzip("le chien\n"));
    files.put("val.en.gz", gzip("the dog\n"));
    files.put("test_2016_flickr.fr.gz", gzip("la vache\n"));
    files.put("test_2016_flickr.en.gz", gzip("the cow\n"));
    files.put("fra-eng.zip", zip("fra-eng/fra.txt", "the cat\tle chat\nthe dog\tle chien\n"));
    server =
        LoopbackServer.answering(head -> {
          byte[] file = files.get(head.replaceFirst("(?s)^GET /(\\S*) .*", "$1"));
          return LoopbackServer.answer("200 OK", file.length, file);
        });
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  private static byte[] zip(String name, String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      out.putNextEntry(new ZipEntry(name));
      out.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  private PairCorpora corpora(Map<String, String> environment) {
    List<PairDataset.File> captions = new ArrayList<>();
    files.forEach((name, bytes) ->
        captions.add(
            new PairDataset.File(
                name, new Download.Remote(uri(name), bytes.length, Sha256.of(bytes)))));
    byte[] zip = files.get("fra-eng.zip");
    PairDataset.File sentences =
        new PairDataset.File(
            "fra-eng.zip",
            new Download.Remote(
                uri("fra-eng.zip"),
                zip.length + 999,
                false,
                Checksum.SHA_1,
                Checksum.of(Checksum.SHA_1, zip)));
    return new PairCorpora(
        environment,
        folder.resolve("cache"),
        new Download(EnvironmentProxies.of(Map.of()), Duration.ofSeconds(10)),
        Terminal.of(new PrintWriter(said)),
        new PairDataset("multi30k", "no license is named", captions),
        new PairDataset("tatoeba", "CC-BY", List.of(sentences)));
  }

  private URI uri(String name) {
    return server.uri().resolve("/" + name);
  }

  private static PairSplit load(PairCorpora corpora, String name) {
    return corpora.load(name, Optional.empty(), Optional.empty(), 0.1);
  }

  @Test
  void multi30kIsDownloadedOnceAndItsLicenseIsSaid() {
    PairSplit split = load(corpora(Map.of()), "multi30k");
    assertThat(split.train()).containsExactly(CAT);
    assertThat(split.valid()).containsExactly(DOG);
    assertThat(said.toString().lines())
        .containsExactly(
            "no license is named",
            "downloading " + uri("train.fr.gz"),
            "downloading " + uri("train.en.gz"),
            "downloading " + uri("val.fr.gz"),
            "downloading " + uri("val.en.gz"));
    assertThat(load(corpora(Map.of()), "multi30k")).isEqualTo(split);
    assertThat(server.requests()).hasSize(4);
  }

  @Test
  void theLanguagesSayWhichSideIsTheSource() {
    assertThat(corpora(Map.of()).pairs("multi30k-test", TO_FRENCH))
        .containsExactly(new Pair("the cow", "la vache"));
    assertThat(corpora(Map.of()).pairs("tatoeba", TO_FRENCH))
        .containsExactly(new Pair("the cat", "le chat"), new Pair("the dog", "le chien"));
    for (String name : List.of("multi30k", "tatoeba", "cldr")) {
      assertThatThrownBy(
              () -> corpora(Map.of()).pairs(name, Optional.of(new LanguagePair("de", "en"))))
          .isInstanceOf(JambicException.class)
          .hasMessage(name + " has fr and en, not --source-lang de and --target-lang en");
    }
  }

  @Test
  void tatoebaIsReadFromItsArchive() {
    PairSplit split = load(corpora(Map.of()), "tatoeba");
    assertThat(split.train()).hasSize(1);
    assertThat(split.valid()).hasSize(1);
    assertThat(corpora(Map.of()).pairs("tatoeba", Optional.empty())).containsExactly(CAT, DOG);
    assertThat(said.toString()).startsWith("CC-BY").contains("downloading " + uri("fra-eng.zip"));
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void theDataFolderComesFirst() throws IOException {
    Path data = Files.createDirectories(folder.resolve("data/multi30k"));
    for (String name : files.keySet()) {
      Files.write(data.resolve(name), files.get(name));
    }
    PairCorpora corpora = corpora(Map.of("JAMBIC_DATA", data.getParent().toString()));
    assertThat(load(corpora, "multi30k").train()).containsExactly(CAT);
    assertThat(server.requests()).isEmpty();
    assertThat(said.toString()).isEmpty();
    Files.write(data.resolve("train.fr.gz"), gzip("la souris\n"));
    assertThatThrownBy(() -> load(corpora, "multi30k"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            data.resolve("train.fr.gz")
                + " is not the file of multi30k, its SHA-256 is another; to train on it all the"
                + " same, name it with --data");
    Files.delete(data.resolve("train.fr.gz"));
    assertThatThrownBy(() -> load(corpora, "multi30k"))
        .isInstanceOf(JambicException.class)
        .hasMessage(
            data
                + " lacks train.fr.gz; add it, or take the folder away to have multi30k downloaded");
  }

  @Test
  void whatComesMustBeTheOriginal() throws IOException {
    PairCorpora corpora = corpora(Map.of());
    files.put("fra-eng.zip", zip("fra-eng/fra.txt", "the cat\tla souris\n"));
    assertThatThrownBy(() -> load(corpora, "tatoeba"))
        .isInstanceOf(JambicException.class)
        .hasMessageStartingWith(
            "cannot download " + uri("fra-eng.zip") + ": what came is another file, of SHA-1 ");
    assertThat(folder.resolve("cache/tatoeba/fra-eng.zip")).doesNotExist();
  }

  @Test
  void javaGivesPairsWithoutADownload() {
    PairSplit split = load(corpora(Map.of()), "cldr");
    assertThat(split.train().size() + split.valid().size()).isEqualTo(58_000);
    assertThat(split.valid()).hasSizeBetween(430, 570);
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void filesHaveTheirOwnValidationOrShareTheirs() throws IOException {
    Path train = Files.writeString(folder.resolve("a.tsv"), "a\tb\nc\td\n");
    Path valid = Files.writeString(folder.resolve("b.tsv"), "e\tf\na\tx\n");
    PairCorpora corpora = corpora(Map.of());
    assertThat(load(corpora, train.toString()).train()).hasSize(1);
    PairSplit split =
        corpora.load(train.toString(), Optional.of(valid.toString()), Optional.empty(), 0.1);
    assertThat(split.train()).hasSize(2);
    assertThat(split.valid()).containsExactly(new Pair("e", "f"), new Pair("a", "x"));
    assertThat(split.shared()).isEqualTo(1);
  }

  @Test
  void aLastingNameHasWholePaths() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    assertThat(PairCorpora.lastingName("multi30k")).isEqualTo("multi30k");
    assertThat(PairCorpora.lastingName("a.fr,b/../a.en"))
        .isEqualTo(here.resolve("a.fr") + "," + here.resolve("a.en"));
    Path comma = Files.writeString(folder.resolve("a,b.tsv"), "x");
    assertThat(PairCorpora.lastingName(comma.toString())).isEqualTo(comma.toString());
  }
}

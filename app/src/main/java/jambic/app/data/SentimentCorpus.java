package jambic.app.data;

import jambic.app.terminal.Terminal;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.JsonLines;
import jambic.train.example.LabelledSplit;
import jambic.train.example.LabelledText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;

/**
 * Sentences of reviews that people labelled as positive or negative (Kotzias et al., "From Group to
 * Individual Labels using Deep Features", 2015): 2,979 different ones of Amazon, IMDb and Yelp.
 *
 * <p>The files are looked for in the folder {@code sentiment} of the data folder, which the
 * variable {@code JAMBIC_DATA} names, then in the user's cache; else the npm package that has them
 * is downloaded, and the files are kept in the cache. Wherever they come from, their checksums are
 * those of the originals.
 */
public final class SentimentCorpus {
  /** What the user calls it. */
  public static final String NAME = "sentiment";

  private static final String VARIABLE = "JAMBIC_DATA";
  private static final double HELD_OUT = 0.2;

  /** In the package, where the files are. */
  private static final String INSIDE = "package/test/fixtures/";

  private static final String LICENSE =
      "the labelled sentences are by D. Kotzias et al., 2015 (UCI Sentiment Labelled Sentences), in"
          + " the npm package sentiment 5.0.2, licensed MIT";

  static final Download.Remote PACKAGE =
      new Download.Remote(
          URI.create("https://registry.npmjs.org/sentiment/-/sentiment-5.0.2.tgz"),
          141_649,
          "89302eb03d2005d03b214fe65814bb48adb7d3c42c8ca80bdee6a3ecb7e4480f");

  /** The SHA-256 of each file. */
  static final Map<String, String> FILES =
      Map.of(
          "amazon.json", "bc5eb0cac49fc45987301f1dc2d02cf5ca356ba6c882be179dce77d74e666ed9",
          "imdb.json", "44a7b9082ed732ee2de3c858ea5ee2e99aca34f239a1c4359d3a300bf099bdb5",
          "yelp.json", "9f3f47983f21eeb819380767b74bfa648eca208f156241111454b3e122773ff7");

  private final Map<String, String> environment;
  private final Path cache;
  private final Download download;
  private final Terminal terminal;
  private final Download.Remote packed;
  private final Map<String, String> checksums; // by file

  SentimentCorpus(
      Map<String, String> environment,
      Path cache,
      Download download,
      Terminal terminal,
      Download.Remote packed,
      Map<String, String> checksums) {
    this.environment = environment;
    this.cache = cache;
    this.download = download;
    this.terminal = terminal;
    this.packed = packed;
    this.checksums = checksums;
  }

  /**
   * The sentences within this process's reach.
   *
   * @param terminal where to say what is done
   * @return a finder
   */
  public static SentimentCorpus of(Terminal terminal) {
    Map<String, String> environment = System.getenv();
    Path home = Path.of(System.getProperty("user.home"));
    return new SentimentCorpus(
        environment,
        CacheFolder.of(System.getProperty("os.name"), environment, home),
        new Download(EnvironmentProxies.of(environment), Duration.ofSeconds(20)),
        terminal,
        PACKAGE,
        FILES);
  }

  /**
   * Loads the sentences, of which a fifth is held out. The labels are negative and positive.
   *
   * @return both parts
   * @throws JambicException if they cannot be had
   */
  public LabelledSplit load() {
    List<LabelledText> texts = new ArrayList<>();
    Map<String, byte[]> files = files();
    files.keySet().stream().sorted().forEach(name -> texts.addAll(sentences(files.get(name))));
    return LabelledSplit.byText(NAME, texts, HELD_OUT);
  }

  /** A list of objects, the last of them without a sentence. */
  private static List<LabelledText> sentences(byte[] file) {
    List<LabelledText> texts = new ArrayList<>();
    for (Object row : (List<?>) JsonLines.value(new String(file, StandardCharsets.UTF_8))) {
      Map<?, ?> object = (Map<?, ?>) row;
      String text = ((String) object.get("text")).strip();
      if (!text.isEmpty()) {
        boolean positive = ((Number) object.get("class")).intValue() == 1;
        texts.add(new LabelledText(text, positive ? "positive" : "negative"));
      }
    }
    return texts;
  }

  private Map<String, byte[]> files() {
    Optional<Path> given = inDataFolder();
    if (given.isPresent()) {
      return given(given.get());
    }
    Path folder = cache.resolve(NAME);
    Map<String, byte[]> cached = originals(folder);
    return cached.keySet().equals(checksums.keySet()) ? cached : downloaded(folder);
  }

  private Optional<Path> inDataFolder() {
    String value = environment.getOrDefault(VARIABLE, "");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    Path data = Path.of(value);
    if (!Files.exists(data)) {
      throw new JambicException(Text.format("%s names %s, which does not exist", VARIABLE, data));
    }
    return Optional.of(data.resolve(NAME)).filter(Files::isDirectory);
  }

  private Map<String, byte[]> given(Path folder) {
    Map<String, byte[]> files = originals(folder);
    for (String name : checksums.keySet()) {
      if (!files.containsKey(name)) {
        Path file = folder.resolve(name);
        throw new JambicException(
            Files.exists(file)
                ? Text.format("%s is not the file of %s, its SHA-256 is another", file, NAME)
                : Text.format(
                    "%s lacks %s; add it, or take the folder away to have %s downloaded",
                    folder, name, NAME));
      }
    }
    return files;
  }

  /** The files of a folder that are those that were published. */
  private Map<String, byte[]> originals(Path folder) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    checksums.forEach((name, sha256) -> {
      Path file = folder.resolve(name);
      try {
        if (Files.isRegularFile(file)) {
          byte[] bytes = Files.readAllBytes(file);
          if (Sha256.of(bytes).equals(sha256)) {
            files.put(name, bytes);
          }
        }
      } catch (IOException e) {
        throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
      }
    });
    return files;
  }

  private Map<String, byte[]> downloaded(Path folder) {
    terminal.print(LICENSE);
    terminal.print("downloading " + packed.uri());
    byte[] bytes =
        download.fetch(
            packed,
            received ->
                terminal.status(
                    "",
                    (double) received / packed.size(),
                    Text.format("%4d of %d KiB", received >> 10, packed.size() >> 10)));
    terminal.clear();
    Map<String, byte[]> files = unpacked(bytes);
    try {
      Files.createDirectories(folder);
      files.forEach((name, content) ->
          AtomicFile.write(folder.resolve(name), stream -> stream.write(content)));
    } catch (IOException | JambicException e) {
      // The run does not need the files, only the next one's time does.
      terminal.print("cannot keep them for the next time: " + e.getMessage());
    }
    return files;
  }

  private Map<String, byte[]> unpacked(byte[] archive) {
    Set<String> names = checksums.keySet().stream().map(INSIDE::concat).collect(Collectors.toSet());
    try (InputStream tar = new GZIPInputStream(new ByteArrayInputStream(archive))) {
      Map<String, byte[]> files = new LinkedHashMap<>();
      TarEntries.read(tar, names)
          .forEach((name, content) -> files.put(name.substring(INSIDE.length()), content));
      checksums.forEach((name, sha256) -> {
        if (!files.containsKey(name) || !Sha256.of(files.get(name)).equals(sha256)) {
          throw new JambicException(packed.uri() + " does not have the original " + name);
        }
      });
      return files;
    } catch (IOException e) {
      throw new JambicException(
          Text.format("cannot unpack %s: %s", packed.uri(), ErrorText.reason(e)), e);
    }
  }
}

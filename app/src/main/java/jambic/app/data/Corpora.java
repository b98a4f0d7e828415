package jambic.app.data;

import jambic.app.terminal.Terminal;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.TextFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the text to train on by its name: {@code tinyshakespeare}, {@code jdk-source}, or a file.
 *
 * <p>Tiny Shakespeare is looked for in the data folder, which the variable {@code JAMBIC_DATA}
 * names (the folder or the file itself), then where a run found it, then in the user's cache; else
 * it is downloaded into the cache. Wherever it comes from, its checksum is that of the original.
 */
public final class Corpora {
  /** The name of tiny Shakespeare, the text without a choice. */
  public static final String TINY_SHAKESPEARE = "tinyshakespeare";

  private static final String VARIABLE = "JAMBIC_DATA";
  private static final String FILE = "input.txt";

  private final Map<String, String> environment;
  private final Path cache;
  private final Path javaHome;
  private final Download download;
  private final Download.Remote tinyShakespeare;
  private final Terminal terminal;
  private final Optional<Path> remembered;

  Corpora(
      Map<String, String> environment,
      Path cache,
      Path javaHome,
      Download download,
      Download.Remote tinyShakespeare,
      Terminal terminal) {
    this(environment, cache, javaHome, download, tinyShakespeare, terminal, Optional.empty());
  }

  private Corpora(
      Map<String, String> environment,
      Path cache,
      Path javaHome,
      Download download,
      Download.Remote tinyShakespeare,
      Terminal terminal,
      Optional<Path> remembered) {
    this.environment = environment;
    this.cache = cache;
    this.javaHome = javaHome;
    this.download = download;
    this.tinyShakespeare = tinyShakespeare;
    this.terminal = terminal;
    this.remembered = remembered;
  }

  /**
   * The same, looking for tiny Shakespeare also where a run once found it.
   *
   * @param file the file, if it is known
   * @return a finder of texts
   */
  public Corpora remembering(Optional<Path> file) {
    return new Corpora(environment, cache, javaHome, download, tinyShakespeare, terminal, file);
  }

  /**
   * The texts within this process's reach.
   *
   * @param terminal where to say what is done
   * @return a finder of texts
   */
  public static Corpora of(Terminal terminal) {
    Map<String, String> environment = System.getenv();
    Path home = Path.of(System.getProperty("user.home"));
    return new Corpora(
        environment,
        CacheFolder.of(System.getProperty("os.name"), environment, home),
        Path.of(System.getProperty("java.home")),
        new Download(EnvironmentProxies.of(environment), Duration.ofSeconds(20)),
        new Download.Remote(
            URI.create(
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/"
                    + "data/tinyshakespeare/input.txt"),
            1_115_394,
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
        terminal);
  }

  /**
   * The text without a choice: tiny Shakespeare or, where it cannot be had, the JDK's sources, so
   * that a first run works on any machine. Says so if it is the latter.
   *
   * @return the text
   * @throws JambicException if there is neither
   */
  public Corpus loadDefault() {
    try {
      return loadTinyShakespeare();
    } catch (JambicException noShakespeare) {
      terminal.print(noShakespeare.getMessage());
      Corpus corpus = JdkSource.read(javaHome);
      terminal.print(
          Text.format(
              "training on %s instead: java.util of this Java, %d characters",
              corpus.name(), corpus.text().length()));
      return corpus;
    }
  }

  /**
   * The text of a name, that one and no other.
   *
   * @param name {@code tinyshakespeare}, {@code jdk-source}, or a UTF-8 file
   * @return the text
   * @throws JambicException if it cannot be had
   */
  public Corpus load(String name) {
    return switch (name) {
      case TINY_SHAKESPEARE -> loadTinyShakespeare();
      case JdkSource.NAME -> JdkSource.read(javaHome);
      default -> new Corpus(name, TextFile.read(file(name).orElseThrow(() -> missing(name))));
    };
  }

  /**
   * Where tiny Shakespeare lies on this machine.
   *
   * @return the file, empty if it has to be downloaded
   * @throws JambicException if the data folder does not exist
   */
  public Optional<Path> tinyShakespeareFile() {
    return inDataFolder().or(() -> Optional.of(cached()).filter(Files::isRegularFile));
  }

  private Path cached() {
    return cache.resolve(TINY_SHAKESPEARE).resolve(FILE);
  }

  /**
   * The name by which {@link #load} finds the same text from any folder.
   *
   * @param name what it was loaded by
   * @return the name, or the whole path of a file
   */
  public static String lastingName(String name) {
    return switch (name) {
      case TINY_SHAKESPEARE, JdkSource.NAME -> name;
      default -> Path.of(name).toAbsolutePath().normalize().toString();
    };
  }

  /** The file of a name, if it is one's and not that of a text which is known here. */
  static Optional<Path> file(String name) {
    try {
      return name.equals(TINY_SHAKESPEARE) || name.equals(JdkSource.NAME)
          ? Optional.empty()
          : Optional.of(Path.of(name)).filter(Files::exists);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static JambicException missing(String name) {
    return new JambicException(
        Text.format(
            "there is no file %s to train on; give --data a file, %s or %s",
            name, TINY_SHAKESPEARE, JdkSource.NAME));
  }

  private Corpus loadTinyShakespeare() {
    Path cached = cached();
    byte[] bytes =
        inDataFolder()
            .map(this::checked)
            .or(() -> remembered.flatMap(Corpora::read).filter(this::isTinyShakespeare))
            .or(() -> read(cached).filter(this::isTinyShakespeare)) // else as if it were not there
            .orElseGet(() -> downloaded(cached));
    return new Corpus(TINY_SHAKESPEARE, TextFile.decode(bytes, TINY_SHAKESPEARE));
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
    return Stream.of(data, data.resolve(TINY_SHAKESPEARE).resolve(FILE), data.resolve(FILE))
        .filter(Files::isRegularFile)
        .findFirst();
  }

  private byte[] checked(Path file) {
    return read(file)
        .filter(this::isTinyShakespeare)
        .orElseThrow(() ->
            new JambicException(
                Text.format(
                    "%s is not tiny Shakespeare, its SHA-256 is another;"
                        + " to train on it all the same, say --data %s",
                    file, file)));
  }

  private boolean isTinyShakespeare(byte[] bytes) {
    return tinyShakespeare.is(bytes);
  }

  private static Optional<byte[]> read(Path file) {
    try {
      return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    } catch (IOException e) {
      throw new JambicException(Text.format("cannot read %s: %s", file, ErrorText.reason(e)), e);
    }
  }

  private byte[] downloaded(Path target) {
    terminal.print("downloading " + tinyShakespeare.uri());
    byte[] bytes =
        download.fetch(
            tinyShakespeare,
            received -> {
              double share = (double) received / tinyShakespeare.size();
              terminal.status(
                  "",
                  share,
                  Text.format("%4d of %d KiB", received >> 10, tinyShakespeare.size() >> 10));
            });
    terminal.clear();
    try {
      Files.createDirectories(target.getParent());
      AtomicFile.write(target, stream -> stream.write(bytes));
    } catch (IOException | JambicException e) {
      // The run does not need the file, only the next one's time does.
      terminal.print("cannot keep it for the next time: " + e.getMessage());
    }
    return bytes;
  }
}

package jambic.app.data;

import jambic.app.terminal.Terminal;
import jambic.model.io.AtomicFile;
import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.NearestName;
import jambic.train.pairs.CldrPairs;
import jambic.train.pairs.LanguagePair;
import jambic.train.pairs.Pair;
import jambic.train.pairs.PairFile;
import jambic.train.pairs.PairSplit;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Finds pairs of texts by a name: {@code cldr}, which Java's locale data gives, {@code multi30k},
 * {@code multi30k-test}, {@code tatoeba}, or files.
 *
 * <p>What others published is looked for in the folder of its name in the data folder, which the
 * variable {@code JAMBIC_DATA} names, then in the user's cache; else it is downloaded into the
 * cache, and its license is said. Wherever it comes from, its checksum is that of the original.
 */
public final class PairCorpora {
  /** The captions of Multi30k's test set of 2016. */
  public static final String MULTI30K_TEST = "multi30k-test";

  private static final List<String> NAMES =
      List.of(
          CldrPairs.NAME, PairDataset.MULTI30K.name(), MULTI30K_TEST, PairDataset.TATOEBA.name());
  private static final String VARIABLE = "JAMBIC_DATA";
  private static final LanguagePair FRENCH_ENGLISH = new LanguagePair("fr", "en");
  private static final LanguagePair ENGLISH_FRENCH = new LanguagePair("en", "fr");
  private static final long CLDR_SEED = 1;

  private final Map<String, String> environment;
  private final Path cache;
  private final Download download;
  private final Terminal terminal;
  private final PairDataset multi30k;
  private final PairDataset tatoeba;

  PairCorpora(
      Map<String, String> environment,
      Path cache,
      Download download,
      Terminal terminal,
      PairDataset multi30k,
      PairDataset tatoeba) {
    this.environment = environment;
    this.cache = cache;
    this.download = download;
    this.terminal = terminal;
    this.multi30k = multi30k;
    this.tatoeba = tatoeba;
  }

  /**
   * The pairs within this process's reach.
   *
   * @param terminal where to say what is done
   * @return a finder of pairs
   */
  public static PairCorpora of(Terminal terminal) {
    Map<String, String> environment = System.getenv();
    Path home = Path.of(System.getProperty("user.home"));
    return new PairCorpora(
        environment,
        CacheFolder.of(System.getProperty("os.name"), environment, home),
        new Download(EnvironmentProxies.of(environment), Duration.ofSeconds(20)),
        terminal,
        PairDataset.MULTI30K,
        PairDataset.TATOEBA);
  }

  /**
   * Loads pairs to train on and pairs to measure with. Multi30k and the CLDR's have a split of
   * their own.
   *
   * @param name a name of this class, or files as {@link PairFile#of} takes them
   * @param valid the same for the pairs to measure with; empty to hold some out
   * @param languages which side is which
   * @param share of the sources to hold out where there is no other split
   * @return the pairs
   * @throws JambicException if they cannot be had, or are too few
   */
  public PairSplit load(
      String name, Optional<String> valid, Optional<LanguagePair> languages, double share) {
    List<Pair> train = pairs(name, languages);
    if (valid.isPresent()) {
      return PairSplit.of(name, train, valid.get(), pairs(valid.get(), languages));
    }
    if (name.equals(multi30k.name())) {
      return PairSplit.of(name, train, name, captions("val", languages));
    }
    return PairSplit.bySource(
        name, train, name.equals(CldrPairs.NAME) ? CldrPairs.VALID_SHARE : share);
  }

  /**
   * Loads all pairs of a name; of Multi30k those to train on.
   *
   * @param name a name of this class, or files as {@link PairFile#of} takes them
   * @param languages which side is which; without it, French is the source where a name is given
   * @return the pairs
   * @throws JambicException if they cannot be had
   */
  public List<Pair> pairs(String name, Optional<LanguagePair> languages) {
    if (name.equals(CldrPairs.NAME)) {
      boolean toFrench = toFrench(name, languages);
      List<Pair> pairs = CldrPairs.make(CldrPairs.COUNT, CLDR_SEED);
      return toFrench
          ? pairs.stream().map(pair -> new Pair(pair.target(), pair.source())).toList()
          : pairs;
    }
    if (name.equals(multi30k.name())) {
      return captions("train", languages);
    }
    if (name.equals(MULTI30K_TEST)) {
      return captions("test_2016_flickr", languages);
    }
    if (name.equals(tatoeba.name())) {
      return sentences(languages);
    }
    if (!name.contains(",") && !exists(name)) {
      throw new JambicException(
          Text.format(
              "there are no pairs called %s, nor a file of that name%s; or give a TSV, TMX or JSON Lines file, or two files as in --data corpus.fr,corpus.en",
              ErrorText.quote(name), NearestName.choice(name, NAMES)));
    }
    return PairFile.of(name, languages).read();
  }

  private static boolean exists(String name) {
    try {
      return Files.exists(Path.of(name));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /**
   * The name by which {@link #load} finds the same pairs from any folder.
   *
   * @param name what they were loaded by
   * @return the name, or the whole paths of files
   */
  public static String lastingName(String name) {
    if (NAMES.contains(name)) {
      return name;
    }
    List<String> parts =
        Files.exists(Path.of(name)) ? List.of(name) : Arrays.asList(name.split(","));
    return parts.stream()
        .map(part -> Path.of(part).toAbsolutePath().normalize().toString())
        .collect(Collectors.joining(","));
  }

  private static boolean toFrench(String name, Optional<LanguagePair> languages) {
    LanguagePair pair = languages.orElse(FRENCH_ENGLISH);
    if (!pair.equals(FRENCH_ENGLISH) && !pair.equals(ENGLISH_FRENCH)) {
      throw new JambicException(
          Text.format(
              "%s has fr and en, not --source-lang %s and --target-lang %s",
              name, pair.source(), pair.target()));
    }
    return pair.equals(ENGLISH_FRENCH);
  }

  private List<Pair> captions(String part, Optional<LanguagePair> languages) {
    toFrench(multi30k.name(), languages);
    LanguagePair pair = languages.orElse(FRENCH_ENGLISH);
    List<Path> files = files(multi30k, part + "." + pair.source(), part + "." + pair.target());
    return new PairFile(files, Optional.empty()).read();
  }

  private List<Pair> sentences(Optional<LanguagePair> languages) {
    boolean toFrench = toFrench(tatoeba.name(), languages);
    Path packed = files(tatoeba, "fra-eng").getFirst();
    try (FileSystem zip = FileSystems.newFileSystem(packed)) {
      LanguagePair columns = toFrench ? new LanguagePair("1", "2") : new LanguagePair("2", "1");
      Path file = zip.getPath("fra-eng", "fra.txt");
      return new PairFile(List.of(file), Optional.of(columns)).read();
    } catch (IOException e) {
      throw unreadable(packed, e);
    }
  }

  /** The files whose names begin so, in that order. */
  private List<Path> files(PairDataset dataset, String... names) {
    List<PairDataset.File> wanted =
        Arrays.stream(names)
            .map(name ->
                dataset.files().stream()
                    .filter(file -> file.name().startsWith(name + "."))
                    .findFirst()
                    .orElseThrow())
            .toList();
    Optional<Path> given = inDataFolder(dataset);
    if (given.isPresent()) {
      wanted.forEach(file -> requireOriginal(dataset, file, given.get().resolve(file.name())));
      return wanted.stream().map(file -> given.get().resolve(file.name())).toList();
    }
    Path folder = cache.resolve(dataset.name());
    List<PairDataset.File> missing =
        wanted.stream().filter(file -> !isOriginal(file, folder.resolve(file.name()))).toList();
    if (!missing.isEmpty() && !Files.exists(folder)) { // nothing of it was fetched before
      terminal.print(dataset.license());
    }
    missing.forEach(file -> fetch(file, folder));
    return wanted.stream().map(file -> folder.resolve(file.name())).toList();
  }

  private Optional<Path> inDataFolder(PairDataset dataset) {
    String value = environment.getOrDefault(VARIABLE, "");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    Path data = Path.of(value);
    if (!Files.exists(data)) {
      throw new JambicException(Text.format("%s names %s, which does not exist", VARIABLE, data));
    }
    return Optional.of(data.resolve(dataset.name())).filter(Files::isDirectory);
  }

  private static void requireOriginal(PairDataset dataset, PairDataset.File file, Path path) {
    if (!Files.exists(path)) {
      throw new JambicException(
          Text.format(
              "%s lacks %s; add it, or take the folder away to have %s downloaded",
              path.getParent(), file.name(), dataset.name()));
    }
    if (!isOriginal(file, path)) {
      throw new JambicException(
          Text.format(
              "%s is not the file of %s, its %s is another; to train on it all the same, name it with --data",
              path, dataset.name(), file.remote().algorithm()));
    }
  }

  private static boolean isOriginal(PairDataset.File file, Path path) {
    try {
      return Files.isRegularFile(path) && file.remote().is(Files.readAllBytes(path));
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  private static JambicException unreadable(Path path, IOException e) {
    return new JambicException(Text.format("cannot read %s: %s", path, ErrorText.reason(e)), e);
  }

  private void fetch(PairDataset.File file, Path folder) {
    Download.Remote remote = file.remote();
    terminal.print("downloading " + remote.uri());
    byte[] bytes =
        download.fetch(
            remote,
            received ->
                terminal.status(
                    "",
                    remote.exact() ? (double) received / remote.size() : 0,
                    Text.format("%4d KiB", received >> 10)));
    terminal.clear();
    try {
      Files.createDirectories(folder);
      AtomicFile.write(folder.resolve(file.name()), stream -> stream.write(bytes));
    } catch (IOException e) {
      throw new JambicException(
          Text.format(
              "cannot keep %s in the cache %s: %s", file.name(), folder, ErrorText.reason(e)),
          e);
    }
  }
}

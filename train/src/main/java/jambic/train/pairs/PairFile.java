package jambic.train.pairs;

import jambic.model.io.ErrorText;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.data.PackedText;
import jambic.train.data.TextLines;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Reads pairs from a file: TSV, two files of aligned lines as Moses has them, TMX, or JSON Lines,
 * each of them plain or compressed by gzip, and TSV, aligned lines and JSON Lines in strict UTF-8.
 * The order of a file is kept, and so are pairs with an empty side, which {@link PairSplit} drops
 * and counts.
 *
 * <p>TSV has the source in its first column and the target in its second; further columns are left
 * out, such as Anki's third, which names the authors. There is no quoting. A language pair names
 * columns by the first line, which is then no pair, or by their numbers from 1.
 *
 * <p>JSON Lines have an object a line, {@code {"translation": {"fr": "...", "en": "..."}}} or with
 * the texts at the top; without a language pair the keys are {@code source} and {@code target}.
 *
 * @param files one, or the two of aligned lines: first the source
 * @param languages which side is which, if that is not as said above
 */
public record PairFile(List<Path> files, Optional<LanguagePair> languages) {
  private static final String GZIP = ".gz";
  private static final String WANTED = "a file with pairs of texts";
  private static final int TWO = 2;

  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there are neither one nor two files
   */
  public PairFile {
    files = List.copyOf(files);
    if (files.isEmpty() || files.size() > TWO) {
      throw new IllegalArgumentException("pairs are in one file or two, not " + files.size());
    }
  }

  /**
   * Finds the file or files that {@code --data} names; {@link #read} reads them.
   *
   * @param data the path of a file, or two paths with a comma between them
   * @param languages which side is the source; empty to take the order of columns or files
   * @return the files
   * @throws JambicException if one does not exist
   */
  public static PairFile of(String data, Optional<LanguagePair> languages) {
    Optional<Path> one = file(data);
    if (one.isPresent()) {
      return new PairFile(List.of(one.get()), languages);
    }
    List<Path> files = new ArrayList<>();
    for (String name : data.split(",", -1)) {
      files.add(
          file(name)
              .orElseThrow(() ->
                  new JambicException(
                      Text.format(
                          "there is no file %s with pairs of texts; give TSV, TMX, JSON Lines, or two files as in --data corpus.fr,corpus.en",
                          ErrorText.quote(name)))));
    }
    if (files.size() != TWO) {
      throw new JambicException(
          Text.format(
              "%s names %d files; give one, or two with a comma between them",
              ErrorText.quote(data), files.size()));
    }
    return new PairFile(files, languages);
  }

  private static Optional<Path> file(String name) {
    try {
      return Optional.of(Path.of(name)).filter(file -> !name.isEmpty() && Files.exists(file));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /**
   * Reads all pairs.
   *
   * @return the pairs, in the order of the file
   * @throws JambicException if a file cannot be read, is not UTF-8 (naming the byte offset), or has
   *     a line without a pair (naming the line)
   */
  public List<Pair> read() {
    if (files.size() == TWO) {
      return readAligned();
    }
    Path file = files.getFirst();
    String name = withoutGzip(file).toLowerCase(Locale.ROOT);
    if (name.endsWith(".tmx")) {
      return new TmxReader(file, requireLanguages(file)).read();
    }
    if (name.endsWith(".jsonl") || name.endsWith(".ndjson") || name.endsWith(".json")) {
      JsonPairs json = new JsonPairs(languages);
      List<Pair> pairs = new ArrayList<>();
      readLines(
          file,
          (number, line) -> {
            if (!line.isBlank()) {
              pairs.add(at(file, number, () -> json.pair(line)));
            }
          });
      return pairs;
    }
    TsvPairs tsv = new TsvPairs(languages);
    List<Pair> pairs = new ArrayList<>();
    readLines(file, (number, line) -> at(file, number, () -> tsv.pair(line)).ifPresent(pairs::add));
    return pairs;
  }

  /** Reads what a line holds, and says which line it is if that fails. */
  private static <T> T at(Path file, long number, Supplier<T> pair) {
    try {
      return pair.get();
    } catch (JambicException e) {
      throw new JambicException(Text.format("%s, line %d: %s", file, number, e.getMessage()), e);
    }
  }

  private LanguagePair requireLanguages(Path file) {
    return languages.orElseThrow(() ->
        new JambicException(
            file
                + " is TMX, which holds any number of languages; name two of them, as in"
                + " --source-lang fr --target-lang en"));
  }

  private List<Pair> readAligned() {
    boolean swapped = languages.isPresent() && isSwapped(languages.get());
    Path sourceFile = files.get(swapped ? 1 : 0);
    Path targetFile = files.get(swapped ? 0 : 1);
    List<String> source = lines(sourceFile);
    List<String> target = lines(targetFile);
    if (source.size() != target.size()) {
      boolean longer = source.size() > target.size();
      int shorter = Math.min(source.size(), target.size());
      throw new JambicException(
          Text.format(
              "%s has %s and %s has %s, but line N of one must be the translation of line N of the other; line %d of %s, %s, is past the end of the other",
              sourceFile,
              ErrorText.count(source.size(), "line"),
              targetFile,
              ErrorText.count(target.size(), "line"),
              shorter + 1,
              longer ? sourceFile : targetFile,
              ErrorText.quote((longer ? source : target).get(shorter))));
    }
    List<Pair> pairs = new ArrayList<>(source.size());
    for (int i = 0; i < source.size(); i++) {
      pairs.add(new Pair(source.get(i), target.get(i)));
    }
    return pairs;
  }

  /** Whether the first file is the target, by the suffixes of both. */
  private boolean isSwapped(LanguagePair named) {
    String first = withoutGzip(files.getFirst());
    String second = withoutGzip(files.getLast());
    boolean asGiven = endsWith(first, named.source()) && endsWith(second, named.target());
    boolean swapped = endsWith(first, named.target()) && endsWith(second, named.source());
    if (asGiven == swapped) {
      throw new JambicException(
          Text.format(
              "--source-lang %s and --target-lang %s are not the suffixes of %s and %s; name these, or leave both out where the first file is the source",
              named.source(), named.target(), files.getFirst(), files.getLast()));
    }
    return swapped;
  }

  private static boolean endsWith(String name, String suffix) {
    return name.endsWith("." + suffix);
  }

  private static String withoutGzip(Path file) {
    String name = file.toString();
    return name.endsWith(GZIP) ? name.substring(0, name.length() - GZIP.length()) : name;
  }

  private static List<String> lines(Path file) {
    List<String> lines = new ArrayList<>();
    readLines(file, (number, line) -> lines.add(line));
    return lines;
  }

  private static void readLines(Path file, TextLines.Listener listener) {
    PackedText.readLines(file, WANTED, listener);
  }

  /** Reads a text, unpacked if it is compressed. */
  static void readText(Path file, Consumer<String> part) {
    PackedText.read(file, WANTED, part);
  }

  /** Opens a file, which is unpacked if its first bytes are gzip's. */
  static InputStream open(Path file) throws IOException {
    return PackedText.open(file, WANTED);
  }

  static JambicException unreadable(Path file, IOException e) {
    return PackedText.unreadable(file, e);
  }
}

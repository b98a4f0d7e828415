package jambic.app.data;

import jambic.model.ConfigMessage.Name;
import jambic.model.text.CharTokenizer;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import jambic.train.config.HyperparameterException;
import jambic.train.data.Dataset;
import jambic.train.data.JsonLines;
import jambic.train.data.Texts;
import jambic.train.data.TokenDataset;
import jambic.train.data.TokenSource;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What a model trains on, or is measured with: a text, or a folder that {@code jambic prepare} made
 * of one.
 *
 * @param name what the user calls it: a name of {@link Corpora}, a file, or a folder
 * @param tokenizer its vocabulary
 * @param dataset its tokens
 * @param sha256 tells it from all others: the SHA-256 of the text, or of a folder's ids, which
 *     takes a while to compute
 */
public record TrainingData(
    String name, Tokenizer tokenizer, Dataset dataset, Supplier<String> sha256) {
  /**
   * Loads what has a name.
   *
   * @param corpora finds texts
   * @param name of a text or a folder; empty for the text without a choice
   * @param field of JSON Lines that is the text, or nothing for a text as it stands; empty for a
   *     plain text, which must not be JSON Lines
   * @param given the vocabulary to use; empty for that of the folder, or the characters of the text
   * @param blockSize the context length
   * @return the data
   * @throws JambicException if it cannot be had, or has another vocabulary than the one given
   */
  public static TrainingData load(
      Corpora corpora,
      Optional<String> name,
      Optional<String> field,
      Optional<Tokenizer> given,
      int blockSize) {
    Optional<Path> folder = name.flatMap(TrainingData::folder);
    if (field.isPresent() && !field.get().isEmpty()) {
      Path file =
          name.filter(n -> folder.isEmpty())
              .flatMap(Corpora::file)
              .orElseThrow(() ->
                  new HyperparameterException(
                      "%s is for a file of JSON Lines, which %s is not; leave it out",
                      new Name("textField"), name.orElse(Corpora.TINY_SHAKESPEARE)));
      return ofLines(file, name.orElseThrow(), field.get(), given, blockSize);
    }
    if (folder.isPresent()) {
      return ofFolder(folder.get(), name.orElseThrow(), given);
    }
    Corpus text = name.map(corpora::load).orElseGet(corpora::loadDefault);
    if (field.isEmpty() && name.flatMap(Corpora::file).isPresent()) {
      JsonLines.requirePlain(new StringReader(text.text()), text.name());
    }
    return ofText(text, given, blockSize);
  }

  /**
   * The vocabulary that prepared data brings along.
   *
   * @param name as for {@link #load}
   * @return its tokenizer, empty if that names no folder or one without
   * @throws JambicException if it is broken
   */
  public static Optional<Tokenizer> vocabulary(String name) {
    return folder(name).flatMap(path -> new TokenDataset(path).tokenizer());
  }

  private static Optional<Path> folder(String name) {
    try {
      return Optional.of(Path.of(name)).filter(Files::isDirectory);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static TrainingData ofFolder(Path path, String name, Optional<Tokenizer> given) {
    TokenDataset folder = new TokenDataset(path);
    Optional<Tokenizer> own = folder.tokenizer();
    if (given.isPresent() && own.isPresent() && !given.get().equals(own.get())) {
      throw new JambicException(
          Text.format(
              "%s was prepared with another vocabulary (%d tokens) than the model's or --tokenizer's"
                  + " (%d tokens); prepare its text again with --tokenizer and that one",
              name, own.get().vocabSize(), given.get().vocabSize()));
    }
    Tokenizer tokenizer = given.orElseGet(folder::requireTokenizer);
    Dataset dataset = folder.open(tokenizer);
    return new TrainingData(name, tokenizer, dataset, dataset::fingerprint);
  }

  private static TrainingData ofLines(
      Path file, String name, String field, Optional<Tokenizer> given, int blockSize) {
    OptionalInt end =
        given.map(Tokenizer::endOfText).orElse(OptionalInt.empty()); // characters have none
    Texts lines =
        new Texts(List.of(new Texts.Source(file, name)), Optional.of(field), end.isEmpty());
    List<String> texts = new ArrayList<>(); // a line is one part
    lines.read(texts::add, () -> {});
    if (texts.isEmpty()) {
      throw new JambicException(name + " is empty; give a text to train on");
    }
    Tokenizer tokenizer = given.orElseGet(() -> CharTokenizer.of(String.join("", texts)));
    IntStream.Builder ids = IntStream.builder();
    for (int i = 0; i < texts.size(); i++) {
      try {
        Arrays.stream(tokenizer.encode(texts.get(i))).forEach(ids);
      } catch (JambicException e) {
        throw new JambicException(
            Text.format("text %d of %s does not fit the model: %s", i + 1, name, e.getMessage()),
            e);
      }
      end.ifPresent(ids);
    }
    Dataset dataset = Dataset.split(TokenSource.of(ids.build().toArray()), blockSize, name);
    return new TrainingData(name, tokenizer, dataset, dataset::fingerprint);
  }

  private static TrainingData ofText(Corpus text, Optional<Tokenizer> given, int blockSize) {
    Tokenizer tokenizer = given.orElseGet(() -> CharTokenizer.of(text.text()));
    int[] ids;
    try {
      ids = tokenizer.encode(text.text());
    } catch (JambicException e) {
      throw new JambicException(text.name() + " does not fit the model: " + e.getMessage(), e);
    }
    Dataset dataset = Dataset.split(TokenSource.of(ids), blockSize, text.name());
    return new TrainingData(text.name(), tokenizer, dataset, text::sha256);
  }
}

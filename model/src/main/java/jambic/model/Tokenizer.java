package jambic.model;

import jambic.tensor.JambicException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Turns text into token ids and back. Immutable, for any number of threads. */
public interface Tokenizer {
  /**
   * Turns text into token ids.
   *
   * @param text the text
   * @return its ids, each from 0 to {@code vocabSize() - 1}
   * @throws JambicException if the vocabulary cannot express the text
   */
  int[] encode(String text);

  /**
   * Turns token ids into text.
   *
   * @param ids the ids
   * @return the text
   * @throws JambicException if the vocabulary lacks an id
   */
  String decode(int... ids);

  /**
   * Starts to turn ids into text one at a time.
   *
   * @return a decoder at the start of a text
   */
  TokenDecoder decoder();

  /**
   * Number of tokens.
   *
   * @return one more than the largest id
   */
  int vocabSize();

  /**
   * Writes the vocabulary into a checkpoint's folder; {@link Checkpoint#save} makes that safe
   * against crashes.
   *
   * @param folder an existing folder
   * @throws JambicException if that fails
   */
  void save(Path folder);

  /**
   * Reads the tokenizer of a checkpoint's folder.
   *
   * @param folder the folder
   * @return the tokenizer
   * @throws JambicException if the folder has none, or one of an unsupported kind
   */
  static Tokenizer load(Path folder) {
    return find(folder)
        .orElseThrow(
            () -> new JambicException(folder + " has no tokenizer: there is no tokenizer.json"));
  }

  /**
   * Reads the tokenizer of a checkpoint's folder, which may have none.
   *
   * @param folder the folder
   * @return the tokenizer, empty if there is no tokenizer file
   * @throws JambicException if there is one that is broken or of an unsupported kind
   */
  static Optional<Tokenizer> find(Path folder) {
    Path file = folder.resolve(TokenizerFile.NAME);
    return Files.exists(file) ? Optional.of(TokenizerFile.read(file)) : Optional.empty();
  }
}

package jambic.model.text;

import jambic.model.checkpoint.Checkpoint;
import jambic.tensor.JambicException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
   * Turns text into token ids, taking the texts of special tokens as these tokens. Elsewhere they
   * are text like any other. Added tokens that are not special count everywhere.
   *
   * @param text the text
   * @return its ids, each from 0 to {@code vocabSize() - 1}
   * @throws JambicException if the vocabulary cannot express the text
   */
  default int[] encodeWithSpecialTokens(String text) {
    return encode(text);
  }

  /**
   * Turns a prompt into token ids as transformers does: with what the tokenizer puts around a text,
   * such as a token for its beginning. All other methods leave that out, for the text that a model
   * trains on has no such ends wherever it is cut.
   *
   * @param text the prompt
   * @param special whether the texts of special tokens are these tokens
   * @return its ids, each from 0 to {@code vocabSize() - 1}
   * @throws JambicException if the vocabulary cannot express the text
   */
  default int[] encodePrompt(String text, boolean special) {
    int[] ids = special ? encodeWithSpecialTokens(text) : encode(text);
    return Stream.of(promptBegin(), ids, promptEnd()).flatMapToInt(IntStream::of).toArray();
  }

  /**
   * What the tokenizer puts before a prompt.
   *
   * @return the ids; mostly there are none
   */
  default int[] promptBegin() {
    return new int[0];
  }

  /**
   * What the tokenizer puts behind a prompt.
   *
   * @return the ids; mostly there are none
   */
  default int[] promptEnd() {
    return new int[0];
  }

  /**
   * Starts to turn a text into ids part by part.
   *
   * @return an encoder at the start of a text
   */
  TokenEncoder encoder();

  /**
   * Turns token ids into text.
   *
   * @param ids the ids
   * @return the text
   * @throws JambicException if the vocabulary lacks an id
   */
  String decode(int... ids);

  /**
   * Turns token ids into the bytes of a text, which need not end with a whole character.
   *
   * @param ids the ids
   * @return UTF-8
   * @throws JambicException if the vocabulary lacks an id
   */
  default byte[] decodeBytes(int... ids) {
    return decode(ids).getBytes(StandardCharsets.UTF_8);
  }

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
   * The texts that are single tokens, such as the end of a document.
   *
   * @return their ids; mostly there are none
   */
  default Map<String, Integer> specialTokens() {
    return Map.of();
  }

  /**
   * Makes a tokenizer that has more special tokens, with the ids behind those of all others. Those
   * that it has already stay as they are.
   *
   * @param texts the texts of the tokens
   * @return the tokenizer; this one if it has them all
   * @throws JambicException if a text is empty, or this kind of tokenizer takes no more tokens
   */
  default Tokenizer withSpecialTokens(List<String> texts) {
    if (specialTokens().keySet().containsAll(texts)) {
      return this;
    }
    throw new JambicException(
        "this kind of tokenizer takes no more special tokens; byte-level BPE and characters do");
  }

  /**
   * The token that stands between the documents of a text, GPT-2's {@code <|endoftext|>}.
   *
   * @return its id, empty if the vocabulary has none
   */
  default OptionalInt endOfText() {
    Integer id = specialTokens().get(BpeFiles.END_OF_TEXT);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

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
        .orElseThrow(() ->
            new JambicException(
                folder
                    + " has no tokenizer: there is neither a tokenizer.json nor a vocab.json with"
                    + " its merges.txt"));
  }

  /**
   * Reads the tokenizer of a checkpoint's folder, which may have none: {@code tokenizer.json}, else
   * {@code vocab.json} and {@code merges.txt}, else the characters in nanoGPT's {@code meta.pkl}.
   *
   * @param folder the folder
   * @return the tokenizer, empty if there is no such file
   * @throws JambicException if there is one that is broken or of an unsupported kind
   */
  static Optional<Tokenizer> find(Path folder) {
    Path file = folder.resolve(TokenizerFile.NAME);
    if (Files.exists(file)) {
      return Optional.of(TokenizerFile.read(file));
    }
    Optional<Tokenizer> subwords = BpeFiles.find(folder).map(tokenizer -> tokenizer);
    Path meta = folder.resolve(NanoGptMeta.NAME);
    return subwords.isPresent() || !Files.exists(meta)
        ? subwords
        : Optional.of(NanoGptMeta.read(meta));
  }
}

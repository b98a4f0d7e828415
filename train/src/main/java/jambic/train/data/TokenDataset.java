package jambic.train.data;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.text.TokenEncoder;
import jambic.model.text.Tokenizer;
import jambic.tensor.JambicException;
import jambic.tensor.text.Text;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A text as token ids in the files that nanoGPT's {@code prepare.py} makes, with its vocabulary:
 *
 * <pre>
 * train.bin        the ids to train on: unsigned 16 bits, little endian (32 past 65,535 tokens)
 * val.bin          the held-back ids
 * tokenizer.json   the vocabulary, as a checkpoint has it
 * </pre>
 *
 * <p>nanoGPT's own folders have the vocabulary in {@code meta.pkl} if it is of characters, and none
 * if it is GPT-2's.
 *
 * @param path the folder
 */
public record TokenDataset(Path path) {
  private static final String TRAIN = "train.bin";
  private static final String VAL = "val.bin";
  private static final String VOCABULARY = "tokenizer.json";
  private static final Set<String> OWN = Set.of(TRAIN, VAL, VOCABULARY, "tokenizer_config.json");

  /**
   * The vocabulary of the folder.
   *
   * @return its tokenizer, empty if none lies there
   * @throws JambicException if it is broken
   */
  public Optional<Tokenizer> tokenizer() {
    return Tokenizer.find(path);
  }

  /**
   * Opens the files, mapped into memory.
   *
   * @param tokenizer the vocabulary of the ids
   * @return the dataset
   * @throws JambicException if a file is missing or damaged
   */
  public Dataset open(Tokenizer tokenizer) {
    requireFiles();
    return new Dataset(
        TokenFile.map(path.resolve(TRAIN), tokenizer.vocabSize()),
        TokenFile.map(path.resolve(VAL), tokenizer.vocabSize()));
  }

  private void requireFiles() {
    AtomicFolder.requireReadable(path);
    for (String file : List.of(TRAIN, VAL)) {
      if (!Files.exists(path.resolve(file))) {
        throw new JambicException(
            Text.format(
                "%s is a folder without a %s; give a text, or a folder of prepared ones",
                path, file));
      }
    }
  }

  /**
   * The vocabulary of the folder, which must have one.
   *
   * @return its tokenizer
   * @throws JambicException if there is none, saying what to do
   */
  public Tokenizer requireTokenizer() {
    requireFiles();
    return tokenizer()
        .orElseThrow(() ->
            new ConfigException(
                "%s has neither a tokenizer.json nor a meta.pkl; if its ids are GPT-2's, give gpt2 as the %s",
                path, new Name("tokenizer")));
  }

  /**
   * Encodes texts of any length into the folder: as nanoGPT does, the first nine tenths of the
   * characters to train on, the rest to validate with. A crash leaves the old folder or the new one
   * whole.
   *
   * @param texts which can be read again: no pipes
   * @param characters the characters (Unicode code points) of all texts together
   * @param tokenizer turns them into ids
   * @param endOfText the id to put after every text; without it they are one
   * @param part hears of each part of the text, before it is encoded
   * @return the folder's dataset
   * @throws JambicException if a text cannot be read, is too short, has changed or does not fit the
   *     vocabulary, or the folder holds other files, which would go; what was there is untouched
   */
  public Dataset write(
      Texts texts,
      long characters,
      Tokenizer tokenizer,
      OptionalInt endOfText,
      Consumer<String> part) {
    requireReplaceable();
    AtomicFolder.replace(
        path,
        temporary -> {
          tokenizer.save(temporary);
          int width = TokenFile.width(tokenizer.vocabSize());
          try (Ids train = new Ids(temporary.resolve(TRAIN), tokenizer.encoder(), width);
              Ids val = new Ids(temporary.resolve(VAL), tokenizer.encoder(), width)) {
            long boundary = (long) (characters * 0.9); // Python's int(n * 0.9), rounding and all
            long[] seen = {0};
            texts.read(
                text -> {
                  part.accept(text);
                  long count = text.codePointCount(0, text.length());
                  int ofTrain = (int) Math.clamp(boundary - seen[0], 0, count);
                  int cut = text.offsetByCodePoints(0, ofTrain);
                  train.write(text.substring(0, cut));
                  val.write(text.substring(cut));
                  seen[0] += count;
                },
                () -> endOfText.ifPresent((seen[0] <= boundary ? train : val)::end));
            if (seen[0] != characters) {
              throw new JambicException("the text changed while it was encoded; do it again");
            }
            train.end();
            val.end();
            requireEnough(train.count, val.count);
          } catch (UncheckedIOException e) {
            throw e.getCause();
          }
        });
    return open(tokenizer);
  }

  /** A window of one token and the one after it is the least that a model learns from. */
  private static void requireEnough(long train, long val) {
    if (Math.min(train, val) < 2) {
      throw new JambicException(
          Text.format(
              "the text: %s to train on and %d held back are too few, a context of 1 needs 2 of each; give a longer text",
              ErrorText.count(train, "token"), val));
    }
  }

  /**
   * Checks that {@link #write} may replace the folder, which deletes what is in it.
   *
   * @throws JambicException if it holds anything else than such files, or some of them only, as a
   *     folder of nanoGPT's or of a tokenizer does
   */
  public void requireReplaceable() {
    AtomicFolder.requireOnly(path, OWN, "preparing");
    List<String> all = List.of(TRAIN, VAL, VOCABULARY);
    List<String> held = OWN.stream().filter(this::holds).sorted().toList();
    if (!held.isEmpty() && !held.containsAll(all)) {
      throw new JambicException(
          Text.format(
              "%s holds %s, which preparing would delete, and is not of an earlier preparation: that has %s; name another folder",
              path, String.join(" and ", held), String.join(", ", all)));
    }
  }

  private boolean holds(String file) {
    return Files.exists(path.resolve(file));
  }

  /** Encodes into a file. */
  private static final class Ids implements AutoCloseable {
    private final OutputStream out;
    private final TokenEncoder encoder;
    private final int width;
    private long count;

    Ids(Path file, TokenEncoder encoder, int width) throws IOException {
      this.out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
      this.encoder = encoder;
      this.width = width;
    }

    void write(String text) {
      append(encoder.next(text));
    }

    void end() {
      append(encoder.end());
    }

    /** Ends a text with a token, which is not of the text; the next one starts from nothing. */
    void end(int id) {
      end();
      append(id);
    }

    private void append(int... ids) {
      count += ids.length;
      byte[] bytes = new byte[ids.length * width];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (ids[i / width] >>> 8 * (i % width));
      }
      try {
        out.write(bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }
}

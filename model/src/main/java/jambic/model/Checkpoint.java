package jambic.model;

import jambic.tensor.JambicException;
import jambic.tensor.spi.Backend;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A stored model: a folder with {@code config.json}, {@code model.safetensors} (or its shards) and
 * perhaps {@code tokenizer.json}, as Hugging Face's GPT-2 has them. Folders of that family open
 * here; folders saved here open there, unless the model has a biased head, which that family does
 * not know.
 *
 * <p>Opening checks the configuration, the tokenizer and the name, type, shape and place of every
 * tensor, so that memory for the model may then be taken:
 *
 * {@snippet :
 * try (Checkpoint checkpoint = Checkpoint.open(folder)) {
 *   Gpt gpt = checkpoint.gpt(backend);
 * }
 * }
 */
public final class Checkpoint implements Closeable {
  private final GptConfig config;
  private final Optional<Tokenizer> tokenizer;
  private final WeightFiles files;
  private final HuggingFaceWeights weights;

  private Checkpoint(
      GptConfig config,
      Optional<Tokenizer> tokenizer,
      WeightFiles files,
      HuggingFaceWeights weights) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.files = files;
    this.weights = weights;
  }

  /**
   * Opens a checkpoint.
   *
   * @param folder its folder
   * @return the checkpoint, to be closed
   * @throws JambicException if a file is missing, broken or of an unknown architecture, or the
   *     files do not fit each other
   */
  public static Checkpoint open(Path folder) {
    return AtomicFolder.read(folder, Checkpoint::openWhole);
  }

  private static Checkpoint openWhole(Path folder) {
    GptConfig config = ConfigFile.read(folder);
    Optional<Tokenizer> tokenizer = Tokenizer.find(folder);
    tokenizer.ifPresent(t -> requireFit(folder, t, config));
    WeightFiles files = WeightFiles.open(folder);
    try {
      var weights = HuggingFaceWeights.of(files.path().toString(), config, files.entries());
      return new Checkpoint(config, tokenizer, files, weights);
    } catch (RuntimeException e) {
      files.close();
      throw e;
    }
  }

  /**
   * Saves a model, so that a crash leaves the checkpoint that was there or the new one whole.
   *
   * @param folder its folder, made or replaced
   * @param gpt the model
   * @param tokenizer its tokenizer, if it has one
   * @throws JambicException if that fails, or {@code folder} holds something that is no checkpoint;
   *     what was there is untouched
   */
  public static void save(Path folder, Gpt gpt, Optional<Tokenizer> tokenizer) {
    save(folder, gpt, tokenizer, temporary -> {});
  }

  /**
   * Saves a model together with files of one's own, such as the state of its training.
   *
   * @param folder its folder, made or replaced
   * @param gpt the model
   * @param tokenizer its tokenizer, if it has one
   * @param others writes the other files into the folder it is given
   * @throws JambicException if that fails, or {@code folder} holds something that is no checkpoint;
   *     what was there is untouched
   */
  public static void save(
      Path folder, Gpt gpt, Optional<Tokenizer> tokenizer, AtomicFolder.Writer others) {
    GptConfig config = gpt.config();
    if (gpt.isQuantized()) {
      throw new JambicException(
          "a model with int8 weights is not saved; save the one that it was made from");
    }
    tokenizer.ifPresent(t -> requireFit(folder, t, config));
    requireReplaceable(folder);
    AtomicFolder.replace(
        folder,
        temporary -> {
          ConfigFile.write(temporary, config);
          tokenizer.ifPresent(t -> t.save(temporary));
          Safetensors.write(
              temporary.resolve(WeightFiles.SINGLE),
              Map.of("format", "pt"), // transformers refuses a file that does not say so
              HuggingFaceWeights.sources(config, gpt.parameters().byName()));
          others.writeTo(temporary);
        });
  }

  /**
   * The model's shape.
   *
   * @return the configuration
   */
  public GptConfig config() {
    return config;
  }

  /**
   * The model's tokenizer.
   *
   * @return the tokenizer, empty if the folder has none
   */
  public Optional<Tokenizer> tokenizer() {
    return tokenizer;
  }

  /**
   * Makes a model with the stored weights.
   *
   * @param backend where it computes
   * @return the model, to be closed by the caller; it does not need this checkpoint any more
   * @throws JambicException if memory runs out
   */
  public Gpt gpt(Backend backend) {
    return gpt(backend, config);
  }

  /**
   * Makes a model with the stored weights that differs in its dropouts, or has a shorter context:
   * then it keeps the first positions, as nanoGPT's {@code crop_block_size} does.
   *
   * @param backend where it computes
   * @param shape {@link #config} with other dropouts or a smaller {@code blockSize}
   * @return the model, to be closed by the caller; it does not need this checkpoint any more
   * @throws JambicException if the stored weights do not fit the shape, or memory runs out
   */
  public Gpt gpt(Backend backend, GptConfig shape) {
    if (shape.blockSize() > config.blockSize()) {
      throw new JambicException(
          "the model was trained for a context of %d tokens, which can be made shorter but not %d"
              .formatted(config.blockSize(), shape.blockSize()));
    }
    GptConfig same =
        config.withBlockSize(shape.blockSize()).withDropout(shape.dropout(), shape.embdDropout());
    if (!shape.equals(same)) {
      throw new JambicException("the stored model is %s, not %s".formatted(same, shape));
    }
    Gpt gpt = new Gpt(backend, shape);
    weights.cropped(shape.blockSize()).readInto(gpt.parameters().byName());
    return gpt;
  }

  /** Closes the files. */
  @Override
  public void close() {
    files.close();
  }

  private static void requireFit(Path folder, Tokenizer tokenizer, GptConfig config) {
    if (tokenizer.vocabSize() > config.vocabSize()) {
      throw new JambicException(
          "%s: the tokenizer has %d tokens and the model %d; they do not belong together"
              .formatted(folder, tokenizer.vocabSize(), config.vocabSize()));
    }
  }

  /**
   * Refuses a folder whose files are no checkpoint: saving would delete them.
   *
   * @param folder where a checkpoint is to be saved
   * @throws JambicException if it holds something else
   */
  public static void requireReplaceable(Path folder) {
    if (Files.isDirectory(folder) && !Files.exists(folder.resolve(ConfigFile.NAME))) {
      try (Stream<Path> files = Files.list(folder)) {
        if (files.findAny().isPresent()) {
          throw new JambicException(
              folder
                  + " holds files but no checkpoint, so it is not replaced; name another folder");
        }
      } catch (IOException e) {
        throw new JambicException("cannot read " + folder + ": " + Wording.reason(e), e);
      }
    }
  }
}

package jambic.model.checkpoint;

import jambic.model.Model;
import jambic.model.ModelConfig;
import jambic.model.generate.GenerationConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.io.Safetensors;
import jambic.model.io.WeightFiles;
import jambic.model.nn.LoraAdapter;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.LoraLayers;
import jambic.model.nn.Parameters;
import jambic.model.text.Tokenizer;
import jambic.model.text.TokenizerFile;
import jambic.tensor.JambicException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A stored model: a folder with {@code config.json}, {@code model.safetensors} (or its shards) and
 * perhaps {@code tokenizer.json}, in the layout of Hugging Face; the {@link ModelFormat} knows its
 * architecture. A model with adapters is stored as these alone, as PEFT does, with the name or the
 * place of the model that they belong to. A relative place is meant from the working directory, as
 * PEFT means it; where no model is there, from the adapters' folder, and else it is a name.
 *
 * <p>Opening checks the configuration, the tokenizer and the name, type, shape and place of every
 * tensor, so that memory for the model may then be taken:
 *
 * {@snippet :
 * try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(Gpt.FORMAT, folder)) {
 *   Gpt gpt = checkpoint.model(backend);
 * }
 * }
 *
 * @param <C> the shape of a model
 * @param <M> the model
 */
public final class Checkpoint<C extends ModelConfig, M extends Model> implements Closeable {
  private static final Set<String> OWN =
      Set.of(
          ModelFormat.CONFIG,
          GenerationConfig.NAME,
          WeightFiles.SINGLE,
          TokenizerFile.NAME,
          TokenizerFile.CLASS_FILE,
          TokenizerFile.CHAT_TEMPLATE);

  private final ModelFormat<C, M> format;
  private final Path folder;
  private final Optional<LoraConfig> lora;
  private final GenerationConfig generation;
  private final C config;
  private final Optional<Tokenizer> tokenizer;
  private final StoredModel<C> stored;
  private volatile boolean closed;

  private Checkpoint(
      ModelFormat<C, M> format,
      Path folder,
      Optional<LoraConfig> lora,
      GenerationConfig generation,
      C config,
      Optional<Tokenizer> tokenizer,
      StoredModel<C> stored) {
    this.format = format;
    this.folder = folder;
    this.lora = lora;
    this.generation = generation;
    this.config = config;
    this.tokenizer = tokenizer;
    this.stored = stored;
  }

  /**
   * Opens a checkpoint.
   *
   * @param <C> the shape of a model
   * @param <M> the model
   * @param format of its architecture, such as {@code Gpt.FORMAT}
   * @param folder its folder, or the file of a format that has such
   * @return the checkpoint, to be closed
   * @throws JambicException if a file is missing, broken or of another architecture, or the files
   *     do not fit each other
   */
  public static <C extends ModelConfig, M extends Model> Checkpoint<C, M> open(
      ModelFormat<C, M> format, Path folder) {
    return open(format, folder, BaseModelResolver.NONE);
  }

  /**
   * Opens a checkpoint that may be adapters of a model known by a name.
   *
   * @param <C> the shape of a model
   * @param <M> the model
   * @param format of its architecture
   * @param folder its folder
   * @param bases find that model; asked only where no folder is called so
   * @return the checkpoint, to be closed
   * @throws JambicException as {@link #open(ModelFormat, Path)}
   */
  public static <C extends ModelConfig, M extends Model> Checkpoint<C, M> open(
      ModelFormat<C, M> format, Path folder, BaseModelResolver bases) {
    return AtomicFolder.read(folder, whole -> openWhole(format, whole, bases));
  }

  private static <C extends ModelConfig, M extends Model> Checkpoint<C, M> openWhole(
      ModelFormat<C, M> format, Path folder, BaseModelResolver bases) throws IOException {
    requireDescribed(format, folder);
    Optional<LoraConfig> lora = LoraFiles.find(format, folder, bases);
    Path place = lora.map(LoraConfig::base).orElse(folder);
    StoredModel<C> base = format.open(place);
    try {
      Optional<Tokenizer> tokenizer =
          lora.flatMap(adapters -> Tokenizer.find(folder)).or(base::tokenizer);
      tokenizer.ifPresent(t -> requireFit(folder, t, base.config().vocabSize()));
      C config =
          lora.isPresent() && Files.exists(folder.resolve(ModelFormat.CONFIG))
              ? format.readConfig(folder)
              : base.config();
      format.requireVariant(base.config(), config);
      lora.ifPresent(adapters -> LoraFiles.requireFit(format, folder, adapters.layers(), config));
      GenerationConfig generation = GenerationConfig.read(folder, place);
      return new Checkpoint<>(format, folder, lora, generation, config, tokenizer, base);
    } catch (RuntimeException e) {
      base.close();
      throw e;
    }
  }

  /** Refuses a folder that only has checkpoints in it, as a run's has, and names them. */
  private static void requireDescribed(ModelFormat<?, ?> format, Path folder) throws IOException {
    if (isDescribed(format, folder) || !Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      List<String> names =
          inside
              .filter(Files::isDirectory)
              .filter(path -> isDescribed(format, path))
              .map(path -> path.getFileName().toString())
              .filter(name -> !name.startsWith(".")) // one that is being replaced
              .sorted()
              .toList();
      if (!names.isEmpty()) {
        throw new JambicException(
            Text.format(
                "%s is no checkpoint but holds %s; name %s",
                folder, String.join(" and ", names), folder.resolve(names.getFirst())));
      }
    }
  }

  private static boolean isDescribed(ModelFormat<?, ?> format, Path folder) {
    return format.isAt(folder) || Files.exists(folder.resolve(LoraFiles.CONFIG));
  }

  /**
   * Saves a model, so that a crash leaves the checkpoint that was there or the new one whole.
   *
   * @param <M> the model
   * @param format of its architecture
   * @param folder its folder, made or replaced
   * @param model the model
   * @param tokenizer its tokenizer, if it has one
   * @throws JambicException if that fails, or {@code folder} holds something that is no checkpoint;
   *     what was there is untouched
   */
  public static <M extends Model> void save(
      ModelFormat<?, M> format, Path folder, M model, Optional<Tokenizer> tokenizer) {
    save(format, folder, model, tokenizer, temporary -> {});
  }

  /**
   * Saves a model together with files of one's own, such as the state of its training.
   *
   * @param <M> the model
   * @param format of its architecture
   * @param folder its folder, made or replaced
   * @param model the model
   * @param tokenizer its tokenizer, if it has one
   * @param others writes the other files into the folder it is given
   * @throws JambicException if that fails, or {@code folder} holds something that is no checkpoint;
   *     what was there is untouched
   */
  @SuppressWarnings("exports") // for a run, which has files of its own
  public static <M extends Model> void save(
      ModelFormat<?, M> format,
      Path folder,
      M model,
      Optional<Tokenizer> tokenizer,
      AtomicFolder.Writer others) {
    AtomicFolder.Writer description = temporary -> format.describe(temporary, model, tokenizer);
    write(format, folder, model, tokenizer, description, others);
  }

  /**
   * Saves the mean of the weights of several checkpoints.
   *
   * @param <M> the model
   * @param format of its architecture
   * @param folder its folder, made or replaced
   * @param model of which these are checkpoints; its own weights do not count
   * @param tokenizer its tokenizer, if it has one
   * @param checkpoints folders that {@link #save(ModelFormat, Path, Model, Optional)} wrote of a
   *     model without adapters, at least one
   * @param others writes what else is to lie there
   * @throws JambicException as {@link #save(ModelFormat, Path, Model, Optional)}, or if a
   *     checkpoint cannot be read or holds another model than the first
   */
  @SuppressWarnings("exports") // for a run, which has files of its own
  public static <M extends Model> void saveMean(
      ModelFormat<?, M> format,
      Path folder,
      M model,
      Optional<Tokenizer> tokenizer,
      List<Path> checkpoints,
      AtomicFolder.Writer others) {
    requireReplaceable(folder);
    try (WeightMean mean = new WeightMean(checkpoints)) {
      AtomicFolder.replace(
          folder,
          temporary -> {
            format.describe(temporary, model, tokenizer);
            tokenizer.ifPresent(t -> t.save(temporary));
            others.writeTo(temporary);
            writeWeights(temporary, mean.sources());
          });
    }
  }

  private static void writeWeights(Path folder, List<Safetensors.Source> weights) {
    Safetensors.write(
        folder.resolve(WeightFiles.SINGLE),
        Map.of("format", "pt"), // transformers refuses a file that does not say so
        weights);
  }

  private static <M extends Model> void write(
      ModelFormat<?, M> format,
      Path folder,
      M model,
      Optional<Tokenizer> tokenizer,
      AtomicFolder.Writer description,
      AtomicFolder.Writer others) {
    tokenizer.ifPresent(t -> requireFit(folder, t, model.vocabSize()));
    requireReplaceable(folder);
    AtomicFolder.replace(
        folder,
        temporary -> {
          description.writeTo(temporary);
          tokenizer.ifPresent(t -> t.save(temporary));
          if (model.lora().isPresent()) {
            LoraFiles.write(temporary, model.lora().get(), model.adapters());
          } else {
            writeWeights(temporary, format.weights(model));
          }
          others.writeTo(temporary);
        });
  }

  /**
   * Saves a model that was made from this checkpoint, with its tokenizer and what else its
   * configuration tells other programs, such as the ids that begin and end a text.
   *
   * @param folder its folder, made or replaced
   * @param model the model
   * @throws JambicException as {@link #save(ModelFormat, Path, Model, Optional)}
   */
  public void export(Path folder, M model) {
    boolean described = Files.exists(this.folder.resolve(ModelFormat.CONFIG));
    Path source = described ? this.folder : lora.map(LoraConfig::base).orElse(this.folder);
    if (!Files.exists(source.resolve(ModelFormat.CONFIG))) { // a file, which says nothing of them
      save(format, folder, model, tokenizer);
      return;
    }
    AtomicFolder.Writer description = temporary -> format.describe(temporary, model, source);
    write(format, folder, model, tokenizer, description, temporary -> {});
  }

  /**
   * Where it lies.
   *
   * @return its folder
   */
  public Path folder() {
    return folder;
  }

  /**
   * The model's shape.
   *
   * @return the configuration
   */
  public C config() {
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
   * The adapters that it holds in place of a whole model.
   *
   * @return them, with the model that they belong to; empty for a whole model
   */
  public Optional<LoraConfig> lora() {
    return lora;
  }

  /**
   * How the model wants to be generated with, such as the tokens that end its texts.
   *
   * @return what {@code generation_config.json} and {@code config.json} say
   */
  public GenerationConfig generation() {
    return generation;
  }

  /**
   * Makes a model with the stored weights.
   *
   * @param backend where it computes
   * @return the model, to be closed by the caller; it does not need this checkpoint any more
   * @throws JambicException if memory runs out
   */
  public M model(Backend backend) {
    return model(backend, config);
  }

  /**
   * Makes a model with the stored weights and another shape, where the format allows for it: a GPT
   * may differ in its dropouts or have a shorter context, then it keeps the first positions, as
   * nanoGPT's {@code crop_block_size} does.
   *
   * @param backend where it computes
   * @param shape a variant of {@link #config}
   * @return the model, to be closed by the caller; it does not need this checkpoint any more
   * @throws JambicException if the stored weights do not fit the shape, or memory runs out
   */
  public M model(Backend backend, C shape) {
    M model = filled(backend, shape, Optional.empty());
    lora.ifPresent(adapters -> merge(adapters, model));
    return model;
  }

  /**
   * Makes a model with the stored weights and new adapters beside them, of which it so far computes
   * nothing else.
   *
   * @param backend where it computes
   * @param shape as for {@link #model(Backend, ModelConfig)}
   * @param adapters which; their base is this checkpoint
   * @param seed of the adapters' random numbers
   * @return the model, to be closed by the caller
   * @throws JambicException if the stored weights do not fit the shape, or are adapters themselves
   */
  public M adapted(Backend backend, C shape, LoraConfig adapters, long seed) {
    if (lora.isPresent()) {
      throw new JambicException(
          folder + " holds adapters, which cannot have others; export it and take what that wrote");
    }
    M model = filled(backend, shape, Optional.of(adapters.withBaseSha256(stored.files().sha256())));
    LoraConfig.init(model.adapters(), seed);
    return model;
  }

  /**
   * Makes the model as it was saved, to train it on: adapters stay apart from the weights.
   *
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the adapters are broken, or memory runs out
   */
  public M resumed(Backend backend) {
    M model = filled(backend, config, lora);
    if (lora.isPresent()) {
      LoraFiles.readInto(folder, model.adapters());
    }
    return model;
  }

  /**
   * Copies the stored adapters into those of a model, such as one that shares its weights.
   *
   * @param model with the adapters of {@link #lora}, beside the weights that they belong to
   * @throws JambicException if the checkpoint has none, or the stored weights are others than those
   *     that the adapters were trained beside
   */
  public void readAdapters(M model) {
    requireOpen();
    LoraConfig own =
        lora.orElseThrow(() -> new JambicException(folder + " holds a whole model, no adapters"));
    LoraFiles.requireBase(folder, own, stored.files());
    LoraFiles.readInto(folder, model.adapters());
  }

  private M filled(Backend backend, C shape, Optional<LoraConfig> adapters) {
    requireOpen();
    format.requireVariant(stored.config(), shape);
    lora.ifPresent(own -> LoraFiles.requireBase(folder, own, stored.files()));
    stored.files().requireIntact();
    M model = format.create(backend, shape, adapters, generation);
    stored.reader().readInto(shape, model.parameters().byName());
    return model;
  }

  /** Adds the stored adapters to the weights that they belong to. */
  private void merge(LoraConfig adapters, M model) {
    try (Region region = model.backend().region()) {
      Parameters stored = new Parameters(region);
      model
          .parameters()
          .byName()
          .forEach((name, weight) -> {
            String layer = withoutEnd(name, ".weight");
            if (!layer.equals(name) && adapters.layers().adapts(layer)) {
              LoraAdapter.of(adapters, stored, layer, weight);
            }
          });
      LoraFiles.readInto(folder, stored);
      stored
          .byName()
          .forEach((name, a) -> {
            if (name.endsWith(LoraAdapter.A)) {
              String layer = withoutEnd(name, LoraAdapter.A);
              Tensor weight = model.parameters().get(layer + ".weight");
              float[] w = weight.toFloats();
              float[] b = stored.get(layer + LoraAdapter.B).toFloats();
              LoraLayers layers = adapters.layers();
              LoraAdapter.merge(w, a.toFloats(), b, layers.rank(layer), layers.scale(layer));
              weight.set(w);
            }
          });
    }
  }

  private static String withoutEnd(String name, String end) {
    return name.endsWith(end) ? name.substring(0, name.length() - end.length()) : name;
  }

  /** Closes the files. */
  @Override
  public void close() {
    closed = true;
    stored.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new JambicException(
          Text.format(
              "the checkpoint in %s is closed; open it again, or make its models before", folder));
    }
  }

  private static void requireFit(Path folder, Tokenizer tokenizer, int vocabSize) {
    if (tokenizer.vocabSize() > vocabSize) {
      throw new JambicException(
          Text.format(
              "%s: the tokenizer has %d tokens and the model %d; they do not belong together",
              folder, tokenizer.vocabSize(), vocabSize));
    }
  }

  /**
   * Refuses a folder that holds more than a model and its tokenizer, such as the state of a
   * training: saving would delete it.
   *
   * @param folder where a model is to be saved; need not exist
   * @throws JambicException if it holds something else: what
   */
  public static void requireNothingElse(Path folder) {
    AtomicFolder.requireOnly(folder, OWN, "saving a model there");
  }

  /**
   * Refuses a folder whose files are no checkpoint: saving would delete them.
   *
   * @param folder where a checkpoint is to be saved
   * @throws JambicException if it holds something else
   */
  public static void requireReplaceable(Path folder) {
    if (Files.isDirectory(folder) && !Files.exists(folder.resolve(ModelFormat.CONFIG))) {
      try (Stream<Path> files = Files.list(folder)) {
        if (files.findAny().isPresent()) {
          throw new JambicException(
              folder
                  + " holds files but no checkpoint, so it is not replaced; name another folder");
        }
      } catch (IOException e) {
        throw new JambicException("cannot read " + folder + ": " + ErrorText.reason(e), e);
      }
    }
  }
}

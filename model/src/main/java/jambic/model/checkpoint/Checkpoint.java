package jambic.model.checkpoint;

import jambic.model.generate.GenerationConfig;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.io.AtomicFolder;
import jambic.model.io.ErrorText;
import jambic.model.io.Safetensors;
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
 * perhaps {@code tokenizer.json}, as Hugging Face's GPT-2 has them. Folders of that family open
 * here, also with weights as {@code pytorch_model.bin}, and so does nanoGPT's {@code ckpt.pt};
 * folders saved here open there, unless the model has a biased head, which that family does not
 * know. A model with adapters is stored as these alone, as PEFT does, with the name or the place of
 * the model that they belong to. A relative place is meant from the working directory, as PEFT
 * means it; where no model is there, from the adapters' folder, and else it is a name.
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
  private final Gpt2Weights weights;
  private static final Set<String> OWN =
      Set.of(
          Gpt2Config.NAME,
          Gpt2Config.GENERATION,
          WeightFiles.SINGLE,
          TokenizerFile.NAME,
          TokenizerFile.CLASS_FILE);

  private final Path folder;
  private final Optional<LoraConfig> lora;
  private final GenerationConfig generation;
  private volatile boolean closed;

  private Checkpoint(
      Path folder,
      Optional<LoraConfig> lora,
      GenerationConfig generation,
      GptConfig config,
      Optional<Tokenizer> tokenizer,
      WeightFiles files,
      Gpt2Weights weights) {
    this.folder = folder;
    this.lora = lora;
    this.generation = generation;
    this.config = config;
    this.tokenizer = tokenizer;
    this.files = files;
    this.weights = weights;
  }

  /**
   * Loads a stored model; an open checkpoint has its tokenizer too.
   *
   * @param folder the folder of a checkpoint, as Hugging Face's GPT-2 has it; of a run, its {@code
   *     best} or {@code last}
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the folder holds no whole checkpoint, or memory runs out
   */
  public static Gpt load(Path folder, Backend backend) {
    try (Checkpoint checkpoint = open(folder)) {
      return checkpoint.gpt(backend);
    }
  }

  /**
   * Opens a checkpoint.
   *
   * @param folder its folder, or nanoGPT's {@code ckpt.pt}
   * @return the checkpoint, to be closed
   * @throws JambicException if a file is missing, broken or of an unknown architecture, or the
   *     files do not fit each other
   */
  public static Checkpoint open(Path folder) {
    return open(folder, BaseModelResolver.NONE);
  }

  /**
   * Opens a checkpoint that may be adapters of a model known by a name.
   *
   * @param folder its folder
   * @param bases find that model; asked only where no folder is called so
   * @return the checkpoint, to be closed
   * @throws JambicException as {@link #open(Path)}
   */
  public static Checkpoint open(Path folder, BaseModelResolver bases) {
    return AtomicFolder.read(folder, whole -> openWhole(whole, bases));
  }

  private static Checkpoint openWhole(Path folder, BaseModelResolver bases) throws IOException {
    requireDescribed(folder);
    Optional<LoraConfig> lora = LoraFiles.find(folder, bases);
    Path place = lora.map(LoraConfig::base).orElse(folder);
    ModelFiles base = ModelFiles.open(place);
    try {
      Optional<Tokenizer> tokenizer =
          lora.flatMap(adapters -> Tokenizer.find(folder)).or(base::tokenizer);
      tokenizer.ifPresent(t -> requireFit(folder, t, base.config()));
      Gpt2Weights weights = base.checked();
      GptConfig config =
          lora.isPresent() && Files.exists(folder.resolve(Gpt2Config.NAME))
              ? Gpt2Config.read(folder)
              : weights.config();
      requireVariant(weights.config(), config);
      lora.ifPresent(adapters -> LoraFiles.requireFit(folder, adapters.layers(), config));
      GenerationConfig generation = GenerationConfig.read(folder, place);
      return new Checkpoint(folder, lora, generation, config, tokenizer, base.weights(), weights);
    } catch (RuntimeException e) {
      base.close();
      throw e;
    }
  }

  /**
   * Refuses a model of an architecture that does not open here, by its {@code config.json} alone:
   * its weights need not be there yet.
   *
   * @param folder its folder
   * @throws JambicException if it is of another architecture, or the file is missing or broken
   */
  public static void requireSupported(Path folder) {
    Gpt2Config.read(folder);
  }

  /** Refuses a folder that only has checkpoints in it, as a run's has, and names them. */
  private static void requireDescribed(Path folder) throws IOException {
    if (isDescribed(folder) || !Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      List<String> names =
          inside
              .filter(Checkpoint::isDescribed)
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

  private static boolean isDescribed(Path folder) {
    return Files.exists(folder.resolve(Gpt2Config.NAME))
        || Files.exists(folder.resolve(LoraFiles.CONFIG))
        || Files.exists(folder.resolve(NanoGptCheckpoint.NAME));
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
  @SuppressWarnings("exports") // for a run, which has files of its own
  public static void save(
      Path folder, Gpt gpt, Optional<Tokenizer> tokenizer, AtomicFolder.Writer others) {
    Map<String, Object> textEnds = Gpt2Config.textEnds(tokenizer);
    Set<Integer> ends = gpt.generation().endTokensOr(tokenizer);
    if (!ends.isEmpty()) {
      textEnds.put(
          "eos_token_id",
          ends.size() == 1 ? ends.iterator().next() : ends.stream().sorted().toList());
    }
    save(folder, gpt, tokenizer, textEnds, others);
  }

  private static void save(
      Path folder,
      Gpt gpt,
      Optional<Tokenizer> tokenizer,
      Map<String, Object> kept,
      AtomicFolder.Writer others) {
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
          Gpt2Config.write(temporary, config, kept);
          tokenizer.ifPresent(t -> t.save(temporary));
          if (gpt.lora().isPresent()) {
            LoraFiles.write(temporary, gpt.lora().get(), gpt.adapters());
          } else {
            Safetensors.write(
                temporary.resolve(WeightFiles.SINGLE),
                Map.of("format", "pt"), // transformers refuses a file that does not say so
                Gpt2Weights.sources(config, gpt.parameters().byName()));
          }
          others.writeTo(temporary);
        });
  }

  /**
   * Saves a model that was made from this checkpoint, with its tokenizer and what else its
   * configuration tells other programs, such as the ids that begin and end a text.
   *
   * @param folder its folder, made or replaced
   * @param gpt the model
   * @throws JambicException as {@link #save(Path, Gpt, Optional)}
   */
  public void export(Path folder, Gpt gpt) {
    boolean described = Files.exists(this.folder.resolve(Gpt2Config.NAME));
    Path source = described ? this.folder : lora.map(LoraConfig::base).orElse(this.folder);
    if (!Files.exists(source.resolve(Gpt2Config.NAME))) { // nanoGPT's, which says nothing of them
      save(folder, gpt, tokenizer);
      return;
    }
    save(
        folder,
        gpt,
        tokenizer,
        Gpt2Config.kept(source),
        temporary -> Gpt2Config.writeGeneration(temporary, source));
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
    Gpt gpt = filled(backend, shape, Optional.empty());
    lora.ifPresent(adapters -> merge(adapters, gpt));
    return gpt;
  }

  /**
   * Makes a model with the stored weights and new adapters beside them, of which it so far computes
   * nothing else.
   *
   * @param backend where it computes
   * @param shape as for {@link #gpt(Backend, GptConfig)}
   * @param adapters which; their base is this checkpoint
   * @param seed of the adapters' random numbers
   * @return the model, to be closed by the caller
   * @throws JambicException if the stored weights do not fit the shape, or are adapters themselves
   */
  public Gpt adapted(Backend backend, GptConfig shape, LoraConfig adapters, long seed) {
    if (lora.isPresent()) {
      throw new JambicException(
          folder + " holds adapters, which cannot have others; export it and take what that wrote");
    }
    Gpt gpt = filled(backend, shape, Optional.of(adapters.withBaseSha256(files.sha256())));
    LoraConfig.init(gpt.adapters(), seed);
    return gpt;
  }

  /**
   * Makes the model as it was saved, to train it on: adapters stay apart from the weights.
   *
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the adapters are broken, or memory runs out
   */
  public Gpt resumed(Backend backend) {
    Gpt gpt = filled(backend, config, lora);
    if (lora.isPresent()) {
      LoraFiles.readInto(folder, gpt.adapters());
    }
    return gpt;
  }

  private Gpt filled(Backend backend, GptConfig shape, Optional<LoraConfig> adapters) {
    requireOpen();
    requireVariant(weights.config(), shape);
    lora.ifPresent(stored -> LoraFiles.requireBase(folder, stored, files));
    files.requireIntact();
    Gpt gpt = new Gpt(backend, shape, adapters, generation);
    weights.cropped(shape.blockSize()).readInto(gpt.parameters().byName());
    return gpt;
  }

  private static void requireVariant(GptConfig stored, GptConfig shape) {
    if (shape.blockSize() > stored.blockSize()) {
      throw new JambicException(
          Text.format(
              "the model was trained for a context of %d tokens, which can be made shorter but not %d",
              stored.blockSize(), shape.blockSize()));
    }
    GptConfig same =
        stored
            .withBlockSize(shape.blockSize())
            .withDropout(shape.dropout(), shape.attnDropout(), shape.embdDropout());
    if (!shape.equals(same)) {
      throw new JambicException(Text.format("the stored model is %s, not %s", same, shape));
    }
  }

  /** Adds the stored adapters to the weights that they belong to. */
  private void merge(LoraConfig adapters, Gpt gpt) {
    try (Region region = gpt.backend().region()) {
      Parameters stored = new Parameters(region);
      gpt.parameters()
          .byName()
          .forEach((name, weight) -> {
            String layer = name.replaceFirst("\\.weight$", "");
            if (!layer.equals(name) && adapters.layers().adapts(layer)) {
              LoraAdapter.of(adapters, stored, layer, weight);
            }
          });
      LoraFiles.readInto(folder, stored);
      stored
          .byName()
          .forEach((name, a) -> {
            if (name.endsWith(LoraAdapter.A)) {
              String layer = name.substring(0, name.length() - LoraAdapter.A.length());
              Tensor weight = gpt.parameters().get(layer + ".weight");
              float[] w = weight.toFloats();
              float[] b = stored.get(layer + LoraAdapter.B).toFloats();
              LoraLayers layers = adapters.layers();
              LoraAdapter.merge(w, a.toFloats(), b, layers.rank(layer), layers.scale(layer));
              weight.set(w);
            }
          });
    }
  }

  /** Closes the files. */
  @Override
  public void close() {
    closed = true;
    files.close();
  }

  private void requireOpen() {
    if (closed) {
      throw new JambicException(
          Text.format(
              "the checkpoint in %s is closed; open it again, or make its models before", folder));
    }
  }

  private static void requireFit(Path folder, Tokenizer tokenizer, GptConfig config) {
    if (tokenizer.vocabSize() > config.vocabSize()) {
      throw new JambicException(
          Text.format(
              "%s: the tokenizer has %d tokens and the model %d; they do not belong together",
              folder, tokenizer.vocabSize(), config.vocabSize()));
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
    if (Files.isDirectory(folder) && !Files.exists(folder.resolve(Gpt2Config.NAME))) {
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

package jambic.model.gpt;

import jambic.model.LanguageModel;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.generate.GenerationConfig;
import jambic.model.nn.AttentionWeights;
import jambic.model.nn.Initializer;
import jambic.model.nn.KvCache;
import jambic.model.nn.LayerFactory;
import jambic.model.nn.Linear;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.PackedBatch;
import jambic.model.nn.Parameters;
import jambic.model.nn.TokenPacking;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.QuantizedKernels;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * The decoder-only Transformer of GPT-2, nanoGPT and the "Let's build GPT" lecture; {@link
 * GptConfig} switches between them. Shapes: B sequences, T tokens each, C = nEmbd, V = vocabSize.
 */
public final class Gpt implements LanguageModel {
  /** How a GPT is stored. */
  public static final ModelFormat<GptConfig, Gpt> FORMAT = new GptFormat();

  private final GptConfig config;
  private final Backend backend;
  private final Region region;
  private final Parameters parameters;
  private final boolean isQuantized;
  private final Optional<LoraConfig> lora;
  private final GenerationConfig generation;
  private final Parameters adapters;
  private final GptBody body;
  private final Linear lmHead;
  private volatile boolean closed;

  /**
   * A model with undefined weights: set every one before use, as a checkpoint does.
   *
   * @param backend where it computes
   * @param config its shape
   */
  public Gpt(Backend backend, GptConfig config) {
    this(backend, config, Optional.empty());
  }

  /**
   * A model with undefined weights that has adapters beside some of them.
   *
   * @param backend where it computes
   * @param config its shape
   * @param lora which adapters, if any; undefined as well
   */
  public Gpt(Backend backend, GptConfig config, Optional<LoraConfig> lora) {
    this(backend, config, lora, GenerationConfig.NONE);
  }

  /**
   * A model with undefined weights, of a checkpoint that says how to generate with it.
   *
   * @param backend where it computes
   * @param config its shape
   * @param lora which adapters, if any
   * @param generation what the checkpoint says
   */
  public Gpt(
      Backend backend, GptConfig config, Optional<LoraConfig> lora, GenerationConfig generation) {
    this(backend, config, false, lora, generation, Optional.empty());
  }

  private Gpt(
      Backend backend,
      GptConfig config,
      boolean isQuantized,
      Optional<LoraConfig> lora,
      GenerationConfig generation,
      Optional<Parameters> shared) {
    this.backend = backend;
    this.config = config;
    this.isQuantized = isQuantized;
    this.lora = lora;
    this.generation = generation;
    this.region = backend.region();
    this.parameters = new Parameters(region, shared);
    this.adapters = new Parameters(region);
    LayerFactory layers = new LayerFactory(parameters, isQuantized, lora, adapters);
    body = new GptBody(layers, config);
    lmHead =
        config.tiedHead()
            ? layers.tied(body.tokenEmbeddings(), "lm_head", config.headBias())
            : layers.linear("lm_head", config.vocabSize(), config.nEmbd(), config.headBias());
  }

  /**
   * Loads a stored model; an open {@link Checkpoint} has its tokenizer too.
   *
   * @param folder the folder of a checkpoint, as Hugging Face's GPT-2 has it; of a run, its {@code
   *     best} or {@code last}
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the folder holds no whole checkpoint, or memory runs out
   */
  public static Gpt load(Path folder, Backend backend) {
    try (Checkpoint<GptConfig, Gpt> checkpoint = Checkpoint.open(FORMAT, folder)) {
      return checkpoint.model(backend);
    }
  }

  /**
   * A model with random weights.
   *
   * @param backend where it computes
   * @param config its shape
   * @param init how the weights start
   */
  public Gpt(Backend backend, GptConfig config, Initializer init) {
    this(backend, config);
    init.apply(parameters, config.nLayer());
  }

  @Override
  public Tensor hidden(Ops ops, Tensor ids) {
    requireOpen();
    return body.hidden(ops, ids);
  }

  @Override
  public Tensor hidden(Ops ops, Tensor ids, TokenPacking packing) {
    requireOpen();
    return body.hidden(ops, ids, packing);
  }

  @Override
  public Linear head() {
    return lmHead;
  }

  @Override
  public Tensor decode(
      InferenceOps ops, IntFunction<InferenceOps> layers, KvCache cache, PackedBatch batch) {
    return body.decode(ops, layers, cache, batch);
  }

  @Override
  public Tensor decodeLogits(InferenceOps ops, Tensor x) {
    return lmHead.forward(ops, body.normalized(ops, x)); // (R, 1, V)
  }

  @Override
  public AttentionWeights attentionWeights(int[] ids, int layer) {
    requireOpen();
    if (ids.length == 0) {
      throw new JambicException("attention needs at least one token, got an empty text");
    }
    config.requireContext(ids.length);
    requireIds(ids);
    if (layer < 0 || layer >= config.nLayer()) {
      throw new JambicException(
          Text.format(
              "the model has the layers 0 to %d, and layer %d was asked for",
              config.nLayer() - 1, layer));
    }
    try (Region memory = backend.region()) {
      Tensor tokens = memory.allocate(DType.I32, Shape.of(1, ids.length));
      tokens.set(ids);
      return body.attentionWeights(new InferenceOps(backend, memory), tokens, layer);
    }
  }

  @Override
  public KvCache cache(Region memory, int tokens) {
    return new KvCache(
        memory,
        backend.activationType(),
        config.nLayer(),
        config.nEmbd(),
        config.blockSize(),
        tokens);
  }

  @Override
  public int vocabSize() {
    return config.vocabSize();
  }

  @Override
  public int contextLength() {
    return config.blockSize();
  }

  @Override
  public void requireIds(int... ids) {
    config.requireIds(ids);
  }

  /**
   * A copy for inference that keeps its matrices and token embeddings in 8 bits, each row with a
   * scale of its own: a quarter of the memory, and of what a new token reads, for a small loss of
   * accuracy. It cannot be trained or saved.
   *
   * @return the copy, to be closed by the caller; it does not need this model any more
   * @throws jambic.tensor.JambicException if the backend does not compute with int8 weights, or
   *     memory runs out
   */
  public Gpt quantized() {
    if (isQuantized || lora.isPresent()) {
      throw new IllegalStateException("the model has int8 weights already, or adapters");
    }
    QuantizedKernels kernels = backend.quantized();
    Gpt copy = new Gpt(backend, config, true, Optional.empty(), generation, Optional.empty());
    copy.parameters
        .byName()
        .forEach((name, to) -> {
          Tensor from = parameters.get(name);
          if (to.scales().isNone()) {
            to.set(from.toFloats());
          } else {
            backend.launch(() -> kernels.quantize(to, to.scales(), from));
          }
        });
    return copy;
  }

  /**
   * Makes a model that computes with the weights of this one, which stay here, and with adapters
   * beside them: any number of them take the memory of one, and of their adapters. Where both are
   * only read, they may compute at the same time.
   *
   * @param adapters which; undefined, to be set as {@link Checkpoint#readAdapters} does
   * @param files how to generate with it
   * @return the model, to be closed by the caller before this one
   */
  public Gpt with(LoraConfig adapters, GenerationConfig files) {
    requireOpen();
    if (lora.isPresent()) {
      throw new IllegalStateException("the model has adapters itself");
    }
    return new Gpt(
        backend, config, isQuantized, Optional.of(adapters), files, Optional.of(parameters));
  }

  /**
   * Whether this is a {@link #quantized} copy.
   *
   * @return whether weights have 8 bits
   */
  public boolean isQuantized() {
    return isQuantized;
  }

  /**
   * The model's shape.
   *
   * @return the config
   */
  public GptConfig config() {
    return config;
  }

  @Override
  public Set<Integer> endTokens() {
    return generation.endTokens();
  }

  /**
   * Returns how to generate with the model unless told otherwise.
   *
   * @return what its checkpoint says; nothing where it was made without one
   */
  public GenerationConfig generation() {
    return generation;
  }

  @Override
  public Backend backend() {
    return backend;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Optional<LoraConfig> lora() {
    return lora;
  }

  @Override
  public Parameters adapters() {
    return adapters;
  }

  @Override
  public void requireOpen() {
    if (closed) {
      throw new JambicException("the model is closed; open it again from its checkpoint");
    }
  }

  /** Frees the weights. */
  @Override
  public void close() {
    closed = true;
    region.close();
  }
}

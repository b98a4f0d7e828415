package jambic.model.translator;

import jambic.model.Model;
import jambic.model.checkpoint.Checkpoint;
import jambic.model.checkpoint.ModelFormat;
import jambic.model.nn.CrossAttention;
import jambic.model.nn.Embedding;
import jambic.model.nn.FeedForward;
import jambic.model.nn.KvCache;
import jambic.model.nn.LayerFactory;
import jambic.model.nn.LayerNorm;
import jambic.model.nn.Linear;
import jambic.model.nn.LoraConfig;
import jambic.model.nn.MultiHeadAttention;
import jambic.model.nn.PackedBatch;
import jambic.model.nn.Parameters;
import jambic.model.nn.SinusoidalPositions;
import jambic.model.nn.Sublayer;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The encoder-decoder Transformer (Vaswani et al., 2017). Shapes: B sentences, S source and T
 * target tokens each, C = width, V = vocabSize.
 */
public final class Translator implements Model {
  /** How a translator is stored. */
  public static final ModelFormat<TranslatorConfig, Translator> FORMAT = new TranslatorFormat();

  private final TranslatorConfig config;
  private final Backend backend;
  private final Region region;
  private final Parameters parameters;
  private final Parameters adapters;
  private final Embedding embedding; // shared (V, C), positions (maxLength, C)
  private final List<EncoderBlock> encoder = new ArrayList<>();
  private final List<DecoderBlock> decoder = new ArrayList<>();
  private final Optional<LayerNorm> encoderNorm;
  private final Optional<LayerNorm> decoderNorm;
  private final Linear head;
  private volatile boolean closed;

  /**
   * Makes a model with undefined weights: set every one before use, as a checkpoint does.
   *
   * @param backend where it computes
   * @param config its shape
   */
  public Translator(Backend backend, TranslatorConfig config) {
    this.backend = backend;
    this.config = config;
    region = backend.region();
    parameters = new Parameters(region);
    adapters = new Parameters(region);
    LayerFactory layers = new LayerFactory(parameters, false, Optional.empty(), adapters);
    Tensor shared = layers.matrix("shared.weight", config.vocabSize(), config.width());
    float scale = config.scaleEmbedding() ? (float) Math.sqrt(config.width()) : 1;
    embedding = new Embedding(shared, positions(), scale);
    for (int i = 0; i < config.encoderLayers(); i++) {
      String name = "encoder.layers." + i + ".";
      encoder.add(
          new EncoderBlock(
              selfAttention(layers, name, config.encoderHeads(), false),
              sublayer(layers, name + "self_attn_layer_norm"),
              feedForward(layers, name, config.encoderInner()),
              sublayer(layers, name + "final_layer_norm")));
    }
    encoderNorm = lastNorm(layers, "encoder.layer_norm");
    for (int i = 0; i < config.decoderLayers(); i++) {
      String name = "decoder.layers." + i + ".";
      decoder.add(
          new DecoderBlock(
              selfAttention(layers, name, config.decoderHeads(), true),
              sublayer(layers, name + "self_attn_layer_norm"),
              crossAttention(layers, name + "encoder_attn."),
              sublayer(layers, name + "encoder_attn_layer_norm"),
              feedForward(layers, name, config.decoderInner()),
              sublayer(layers, name + "final_layer_norm")));
    }
    decoderNorm = lastNorm(layers, "decoder.layer_norm");
    head = layers.tied(shared, "final_logits", config.logitsBias());
  }

  /**
   * Makes a model with random weights.
   *
   * @param backend where it computes
   * @param config its shape
   * @param seed of the random numbers
   */
  public Translator(Backend backend, TranslatorConfig config, long seed) {
    this(backend, config);
    TranslatorInitializer.apply(parameters, seed);
  }

  /**
   * Loads a stored model; an open {@link Checkpoint} has its tokenizer too.
   *
   * @param folder the folder of a checkpoint, as Hugging Face's Marian has it; of a run, its {@code
   *     best} or {@code last}
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the folder holds no whole checkpoint, or memory runs out
   */
  public static Translator load(Path folder, Backend backend) {
    try (Checkpoint<TranslatorConfig, Translator> checkpoint = Checkpoint.open(FORMAT, folder)) {
      return checkpoint.model(backend);
    }
  }

  /**
   * Tells whether a folder says that it holds a translator, without opening it.
   *
   * @param folder the folder of a checkpoint
   * @return whether its {@code config.json} names an architecture that translates; false where none
   *     can be read
   */
  public static boolean isIn(Path folder) {
    return MarianConfig.isIn(folder);
  }

  private Tensor positions() {
    int first = config.positions() == SinusoidalPositions.FAIRSEQ ? config.padToken() + 1 : 0;
    Tensor table = region.allocate(DType.F32, Shape.of(config.maxLength(), config.width()));
    table.set(config.positions().table(first, config.maxLength(), config.width()));
    return table;
  }

  private MultiHeadAttention selfAttention(
      LayerFactory layers, String block, int heads, boolean causal) {
    int c = config.width();
    return new MultiHeadAttention(
        layers.linear(block + "self_attn.qkv_proj", 3 * c, c, true),
        layers.linear(block + "self_attn.out_proj", c, c, true),
        heads,
        (float) (1 / Math.sqrt(c / heads)),
        causal,
        config.attentionDropout());
  }

  private CrossAttention crossAttention(LayerFactory layers, String name) {
    int c = config.width();
    return new CrossAttention(
        layers.linear(name + "q_proj", c, c, true),
        layers.linear(name + "kv_proj", 2 * c, c, true),
        layers.linear(name + "out_proj", c, c, true),
        config.decoderHeads(),
        config.attentionDropout());
  }

  private FeedForward feedForward(LayerFactory layers, String block, int inner) {
    return new FeedForward(
        layers.linear(block + "fc1", inner, config.width(), true),
        config.activation(),
        layers.linear(block + "fc2", config.width(), inner, true),
        config.activationDropout());
  }

  private Sublayer sublayer(LayerFactory layers, String norm) {
    return new Sublayer(
        layers.layerNorm(norm, config.width(), true, TranslatorConfig.NORM_EPS),
        config.preNorm(),
        config.dropout());
  }

  private Optional<LayerNorm> lastNorm(LayerFactory layers, String name) {
    return config.preNorm()
        ? Optional.of(layers.layerNorm(name, config.width(), true, TranslatorConfig.NORM_EPS))
        : Optional.empty();
  }

  /**
   * Reads sources.
   *
   * @param ops how to compute
   * @param source I32 (B, S), S at most {@code maxLength}, each in [0, V)
   * @param lengths I32 (B), each in [1, S]: tokens at or past it are padding; or none
   * @return (B, S, C), what the decoder attends to
   * @throws JambicException if S is too large, or the model is closed
   */
  public Tensor encode(Ops ops, Tensor source, Tensor lengths) {
    requireOpen();
    config.requireLength(source.dim(1));
    Tensor x = ops.dropout(embedding.forward(ops, source), config.dropout()); // (B, S, C)
    for (EncoderBlock block : encoder) {
      x = block.forward(ops, x, lengths); // (B, S, C)
    }
    return encoderNorm.isPresent() ? encoderNorm.get().forward(ops, x) : x;
  }

  /**
   * Reads targets beside their sources: what the head reads, at every position.
   *
   * @param ops how to compute
   * @param memory (B, S, C), what {@link #encode} returned
   * @param lengths as {@link #encode} took them
   * @param target I32 (B, T), T at most {@code maxLength}: begins with the start token
   * @return (B, T, C)
   * @throws JambicException if T is too large
   */
  public Tensor decode(Ops ops, Tensor memory, Tensor lengths, Tensor target) {
    config.requireLength(target.dim(1));
    Tensor x = ops.dropout(embedding.forward(ops, target), config.dropout()); // (B, T, C)
    for (DecoderBlock block : decoder) {
      x = block.forward(ops, x, memory, lengths); // (B, T, C)
    }
    return decoderNorm.isPresent() ? decoderNorm.get().forward(ops, x) : x;
  }

  /**
   * Computes the scores of every token to come next, at every position of whole targets.
   *
   * @param ops how to compute
   * @param source as {@link #encode} takes it
   * @param lengths as {@link #encode} takes them
   * @param target as {@link #decode} takes it
   * @return (B, T, V)
   */
  public Tensor logits(Ops ops, Tensor source, Tensor lengths, Tensor target) {
    return head.forward(ops, decode(ops, encode(ops, source, lengths), lengths, target));
  }

  /**
   * Computes the mean cross-entropy of predicting each target token.
   *
   * @param ops how to compute
   * @param source as {@link #encode} takes it
   * @param lengths as {@link #encode} takes them
   * @param target as {@link #decode} takes it
   * @param next I32 (B, T): the token after each, or -1 not to count it
   * @param smoothing label smoothing, in [0, 1)
   * @return (1), in nats a token
   */
  public Tensor loss(
      Ops ops, Tensor source, Tensor lengths, Tensor target, Tensor next, float smoothing) {
    Tensor x = decode(ops, encode(ops, source, lengths), lengths, target);
    return ops.linearCrossEntropy(x, head.weight(), head.bias(), next, smoothing);
  }

  /**
   * Computes how much each target token of a sentence attends to each token of its source. Row t is
   * what predicts the token after target t.
   *
   * @param source ids, with the end token
   * @param target ids that begin with the start token
   * @param layer which block of the decoder, from 0
   * @return the weights of its cross-attention
   * @throws JambicException if a text is too long, or the model is closed
   */
  CrossAttentionWeights crossAttention(int[] source, int[] target, int layer) {
    config.requireLength(target.length);
    try (Region memory = backend.region()) {
      InferenceOps ops = new InferenceOps(backend, memory);
      Tensor encoded = encode(ops, sentence(memory, source), Tensor.NONE); // (1, S, C)
      Tensor x = embedding.forward(ops, sentence(memory, target)); // (1, T, C)
      for (DecoderBlock block : decoder.subList(0, layer)) {
        x = block.forward(ops, x, encoded, Tensor.NONE); // (1, T, C)
      }
      DecoderBlock block = decoder.get(layer);
      Tensor queries = block.crossQueries(ops, x); // (1, T, C)
      Tensor keys = block.cross().keysAndValues(ops, encoded); // (1, S, 2C)
      return CrossAttentionWeights.of(
          queries.toFloats(), keys.toFloats(), config.decoderHeads(), target.length, source.length);
    }
  }

  private static Tensor sentence(Region memory, int... ids) {
    Tensor sentence = memory.allocate(DType.I32, Shape.of(1, ids.length));
    sentence.set(ids);
    return sentence;
  }

  /**
   * Computes what every block of the decoder attends to, once for all tokens to come.
   *
   * @param ops how to compute
   * @param memory (B, S, C), what {@link #encode} returned
   * @return (B, S, 2C) for each block
   */
  List<Tensor> keysAndValues(InferenceOps ops, Tensor memory) {
    return decoder.stream().map(block -> block.cross().keysAndValues(ops, memory)).toList();
  }

  /**
   * Reads the newest token of each hypothesis into a cache.
   *
   * @param ops how to compute
   * @param cache keys and values of earlier tokens, extended
   * @param batch R tokens, those of a sentence's hypotheses side by side
   * @param keysAndValues what {@link #keysAndValues} returned
   * @param lengths I32 (B): how much of it is not padding
   * @return (R, 1, V), the scores of the next token
   */
  Tensor step(
      InferenceOps ops,
      KvCache cache,
      PackedBatch batch,
      List<Tensor> keysAndValues,
      Tensor lengths) {
    Tensor x = embedding.forward(ops, batch); // (R, 1, C)
    for (int i = 0; i < decoder.size(); i++) {
      x = decoder.get(i).forward(ops, x, cache, i, batch, keysAndValues.get(i), lengths);
    }
    x = decoderNorm.isPresent() ? decoderNorm.get().forward(ops, x) : x;
    return head.forward(ops, x); // (R, 1, V)
  }

  /**
   * Returns the model's shape.
   *
   * @return the config
   */
  public TranslatorConfig config() {
    return config;
  }

  @Override
  public int vocabSize() {
    return config.vocabSize();
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
    return Optional.empty();
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

  @Override
  public void close() {
    closed = true;
    region.close();
  }
}

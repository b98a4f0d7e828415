package jambic.model;

import jambic.tensor.Activation;
import jambic.tensor.Eager;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.ShapeException;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.QuantizedKernels;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * The decoder-only Transformer of GPT-2, nanoGPT and the "Let's build GPT" lecture; {@link
 * GptConfig} switches between them. Shapes: B sequences, T tokens each, C = nEmbd, V = vocabSize.
 */
public final class Gpt implements AutoCloseable {
  /**
   * Loads a stored model; a {@link Checkpoint} has its tokenizer too.
   *
   * @param folder the folder of a checkpoint, as Hugging Face's GPT-2 has it; of a run, its {@code
   *     best} or {@code last}
   * @param backend where it computes
   * @return the model, to be closed by the caller
   * @throws JambicException if the folder holds no whole checkpoint, or memory runs out
   */
  public static Gpt load(Path folder, Backend backend) {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return checkpoint.gpt(backend);
    }
  }

  /** What self-attention does with the packed queries, keys and values of a layer. */
  @FunctionalInterface
  private interface Attend {
    Tensor apply(int layer, Tensor qkv); // (B, T, 3C) -> (B, T, C)
  }

  private record Norm(Tensor weight, Tensor bias, float eps) {
    Tensor forward(Ops ops, Tensor x) {
      return ops.layerNorm(x, weight, bias, eps);
    }
  }

  private record Linear(Tensor weight, Tensor bias, Optional<LoraAdapter> adapter) {
    Tensor forward(Ops ops, Tensor x) {
      Tensor y = ops.linear(x, weight, bias);
      return adapter.isPresent() ? adapter.get().addTo(ops, y, x) : y;
    }

    Tensor forward(Ops ops, Tensor x, Activation activation) {
      return adapter.isPresent()
          ? ops.activate(forward(ops, x), activation)
          : ops.linear(x, weight, bias, activation);
    }
  }

  private record Mlp(Linear cFc, Activation activation, Linear cProj) {
    Tensor forward(Ops ops, Tensor x) {
      Tensor h = cFc.forward(ops, x, activation); // (B, T, nInner)
      return cProj.forward(ops, h); // (B, T, C)
    }
  }

  private record Block(
      int layer, Norm ln1, Linear cAttn, Linear cProj, Norm ln2, Mlp mlp, float dropout) {
    Tensor forward(Ops ops, Tensor x, Attend attend) {
      Tensor qkv = cAttn.forward(ops, ln1.forward(ops, x)); // (B, T, 3C)
      Tensor y = attend.apply(layer, qkv); // (B, T, C)
      x = ops.residual(x, cProj.forward(ops, y), dropout);
      return ops.residual(x, mlp.forward(ops, ln2.forward(ops, x)), dropout);
    }
  }

  private final GptConfig config;
  private final Backend backend;
  private final Region region;
  private final Parameters parameters;
  private final boolean isQuantized;
  private final Optional<Lora> lora;
  private final GenerationConfig generation;
  private final Parameters adapters;
  private final Tensor wte; // (V, C)
  private final Tensor wpe; // (blockSize, C)
  private final List<Block> blocks = new ArrayList<>();
  private final Norm lnF;
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
  public Gpt(Backend backend, GptConfig config, Optional<Lora> lora) {
    this(backend, config, lora, GenerationConfig.NONE);
  }

  /** The same of a checkpoint, which says how to generate with it. */
  Gpt(Backend backend, GptConfig config, Optional<Lora> lora, GenerationConfig generation) {
    this(backend, config, false, lora, generation);
  }

  private Gpt(
      Backend backend,
      GptConfig config,
      boolean isQuantized,
      Optional<Lora> lora,
      GenerationConfig generation) {
    this.backend = backend;
    this.config = config;
    this.isQuantized = isQuantized;
    this.lora = lora;
    this.generation = generation;
    this.region = backend.region();
    this.parameters = new Parameters(region);
    this.adapters = new Parameters(region);
    int c = config.nEmbd();
    wte = matrix("wte.weight", config.vocabSize(), c);
    wpe = parameters.add("wpe.weight", config.blockSize(), c);
    for (int i = 0; i < config.nLayer(); i++) {
      String h = "h." + i + ".";
      blocks.add(
          new Block(
              i,
              norm(h + "ln_1"),
              linear(h + "attn.c_attn", 3 * c, c, config.qkvBias()),
              linear(h + "attn.c_proj", c, c, config.bias()),
              norm(h + "ln_2"),
              new Mlp(
                  linear(h + "mlp.c_fc", config.nInner(), c, config.bias()),
                  config.activation(),
                  linear(h + "mlp.c_proj", c, config.nInner(), config.bias())),
              config.dropout()));
    }
    lnF = norm("ln_f");
    lmHead =
        config.tiedHead()
            ? new Linear(
                wte, bias("lm_head", config.vocabSize(), config.headBias()), Optional.empty())
            : linear("lm_head", config.vocabSize(), c, config.headBias());
  }

  /**
   * A model with random weights.
   *
   * @param backend where it computes
   * @param config its shape
   * @param init how the weights start
   */
  public Gpt(Backend backend, GptConfig config, Init init) {
    this(backend, config);
    init.apply(parameters, config.nLayer());
  }

  private Norm norm(String name) {
    return new Norm(
        parameters.add(name + ".weight", config.nEmbd()),
        bias(name, config.nEmbd(), config.bias()),
        config.normEps());
  }

  private Linear linear(String name, int out, int in, boolean biased) {
    Tensor weight = matrix(name + ".weight", out, in);
    Optional<LoraAdapter> adapter =
        lora.filter(l -> l.layers().adapts(name))
            .map(l -> LoraAdapter.of(l, adapters, name, weight));
    return new Linear(weight, bias(name, out, biased), adapter);
  }

  private Tensor matrix(String name, int rows, int columns) {
    return isQuantized
        ? parameters.addQuantized(name, rows, columns)
        : parameters.add(name, rows, columns);
  }

  private Tensor bias(String name, int size, boolean biased) {
    return biased ? parameters.add(name + ".bias", size) : Tensor.NONE;
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
    Gpt copy = new Gpt(backend, config, true, Optional.empty(), generation);
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

  /**
   * How the model wants to be generated with, such as the tokens that end its texts.
   *
   * @return what its checkpoint says; nothing where it was made without one
   */
  public GenerationConfig generation() {
    return generation;
  }

  /**
   * Where the model computes.
   *
   * @return the backend
   */
  public Backend backend() {
    return backend;
  }

  /**
   * The weights.
   *
   * @return all of them, by name
   */
  public Parameters parameters() {
    return parameters;
  }

  /**
   * Which adapters the model has.
   *
   * @return them, empty for a plain model
   */
  public Optional<Lora> lora() {
    return lora;
  }

  /**
   * The adapters' weights: {@code h.0.attn.c_attn.lora_A.weight} (rank, in) and {@code lora_B}
   * (out, rank).
   *
   * @return all of them, by name; none for a plain model
   */
  public Parameters adapters() {
    return adapters;
  }

  /**
   * The scores of every token to come next, at every position.
   *
   * @param ops how to compute
   * @param ids I32 (B, T), T at most blockSize, each in [0, V)
   * @return (B, T, V)
   * @throws ShapeException if the ids are not (B, T)
   * @throws JambicException if T is too large, an id is not of the vocabulary (thrown here if the
   *     backend can), or the model is closed
   */
  public Tensor logits(Ops ops, Tensor ids) {
    return lmHead.forward(ops, hiddenStates(ops, ids)); // (B, T, V)
  }

  /**
   * The mean cross-entropy of predicting each target.
   *
   * @param ops how to compute
   * @param ids I32 (B, T)
   * @param targets I32 (B, T): the token after each, or -1 not to count it
   * @return (1), in nats a token
   */
  public Tensor loss(Ops ops, Tensor ids, Tensor targets) {
    Tensor x = hiddenStates(ops, ids);
    return ops.linearCrossEntropy(x, lmHead.weight, lmHead.bias, targets, 0);
  }

  /** Tokens, I32 (B, T), through all layers and the last norm: what the head reads, (B, T, C). */
  private Tensor hiddenStates(Ops ops, Tensor ids) {
    requireOpen();
    if (ids.shape().rank() != 2) {
      throw new ShapeException("logits: ids must be I32 (B, T), got " + ids);
    }
    config.requireContext(ids.dim(1));
    Tensor x = ops.embed(ids, wte, wpe); // (B, T, C)
    x = ops.dropout(x, config.embdDropout());
    Attend attend =
        (layer, qkv) ->
            ops.causalAttention(
                qkv, config.nHead(), config.attentionScale(layer), config.attnDropout());
    for (Block block : blocks) {
      x = block.forward(ops, x, attend);
    }
    return lnF.forward(ops, x); // (B, T, C)
  }

  /**
   * Reads tokens into a cache: what {@link #logits} computes on the way to the head, for positions
   * that follow the cached ones.
   *
   * @param ops how to look tokens up
   * @param layers how to compute each layer, asked in order; a layer needs what the one before made
   * @param cache keys and values of earlier positions, extended
   * @param tokens R of them
   * @return (R, 1, C), the input of {@link #head}
   */
  Tensor read(Eager ops, IntFunction<Eager> layers, KvCache cache, PackedRows tokens) {
    Tensor x = ops.embedAt(tokens.ids(), wte, wpe, tokens.positions()); // (R, 1, C)
    for (Block block : blocks) {
      Eager own = layers.apply(block.layer());
      Attend attend =
          (layer, qkv) ->
              own.pagedAttention(
                  qkv,
                  cache.keys(layer),
                  cache.values(layer),
                  tokens.rows(),
                  tokens.starts(),
                  tokens.pages(),
                  config.nHead(),
                  config.attentionScale(layer));
      x = block.forward(own, x, attend);
    }
    return x;
  }

  /** The scores of the next token, from what {@link #read} returned: (R, 1, C) to (R, 1, V). */
  Tensor head(Eager ops, Tensor x) {
    return lmHead.forward(ops, lnF.forward(ops, x));
  }

  void requireOpen() {
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

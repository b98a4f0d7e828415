package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.List;

/**
 * The operations of which models are made. Each checks its shapes at the door, takes its output
 * from the step's region and launches a kernel; its derivative stands below it. {@link
 * InferenceOps} computes and forgets, {@link Tape} also records their derivatives. Model code takes
 * an {@code Ops} and never knows which.
 */
public abstract sealed class Ops permits InferenceOps, Tape {
  private final Backend backend;
  private final Region region;
  private final List<Runnable> launches = new ArrayList<>();

  Ops(Backend backend, Region region) {
    this.backend = backend;
    this.region = region;
  }

  /**
   * How an operation turns the gradient of its output into those of its inputs: by {@link
   * Tape#launchBack} and what builds on it.
   */
  @FunctionalInterface
  interface Derivative {
    void apply(Tape tape, Tensor dout);
  }

  /**
   * Everything launched so far, as a program over the same memory.
   *
   * @return the program
   */
  public final Program program() {
    return program(0, launchCount());
  }

  /** What was launched between two values of {@link #launchCount}, as a program. */
  final Program program(int from, int to) {
    Runnable[] recorded = launches.subList(from, to).toArray(Runnable[]::new);
    return backend.capture(() -> {
      for (Runnable kernel : recorded) {
        kernel.run();
      }
    });
  }

  final int launchCount() {
    return launches.size();
  }

  /** Runs a kernel, named as the SPI names it, now and at every run of the program. */
  final void launch(String kernel, Runnable body) {
    launch(new Launch(kernel, body));
  }

  final void launch(Launch launch) {
    backend.launch(launch);
    launches.add(launch);
  }

  /**
   * Notes the derivative of an operation.
   *
   * @param out its output
   * @param readsOutput whether the derivative reads {@code out}
   * @param saved what else it computed and the derivative reads
   * @param inputs what it was computed from
   */
  abstract void record(
      Tensor out,
      boolean readsOutput,
      List<Tensor> saved,
      List<Tensor> inputs,
      Derivative derivative);

  /**
   * Whether the operation at hand is the first to read this value, and no derivative does. Who
   * writes over it then calls {@link #reuse}, so that it is refused to those who come later.
   */
  abstract boolean canReuse(Tensor value);

  /** Whether the gradient of this value is needed. */
  abstract boolean requiresGrad(Tensor value);

  /** A fresh place to drop activations, or none outside training. */
  abstract Dropout dropoutSite(float p);

  Backend backend() {
    return backend;
  }

  Region region() {
    return region;
  }

  /** Memory for an operation's output, in the type that the backend keeps these in. */
  Tensor activations(Shape shape) {
    return region.allocate(backend.activationType(), shape);
  }

  Tensor floats(Shape shape) {
    return region.allocate(DType.F32, shape);
  }

  /**
   * Token embeddings plus those of positions.
   *
   * @param ids I32 (B, T), each in [0, V)
   * @param wte (V, C), or quantized
   * @param wpe (P, C) with P at least T, or none
   * @return (B, T, C)
   */
  public final Tensor embed(Tensor ids, Tensor wte, Tensor wpe) {
    return embed(ids, wte, wpe, 1);
  }

  /**
   * Token embeddings times a constant, plus those of positions.
   *
   * @param ids I32 (B, T), each in [0, V)
   * @param wte (V, C), or quantized where scale is 1
   * @param wpe (P, C) with P at least T, or none
   * @param scale what token embeddings are multiplied by: 1, or sqrt(C) as in Vaswani et al.
   *     (2017), section 3.4
   * @return (B, T, C)
   */
  public final Tensor embed(Tensor ids, Tensor wte, Tensor wpe, float scale) {
    return Embeddings.embed(this, ids, wte, wpe, Tensor.NONE, scale);
  }

  /**
   * Some rows of a tensor, in any order: the last token of each sequence, or those that a loss
   * counts.
   *
   * @param x (..., C), seen as N rows
   * @param index I32 of any shape, each in [0, N); a row that occurs again gets the sum of its
   *     gradients
   * @return the shape of the index, with C behind it
   */
  public final Tensor rows(Tensor x, Tensor index) {
    return Embeddings.rows(this, x, index);
  }

  /**
   * A linear layer: {@code x wᵀ + b}.
   *
   * @param x (..., K)
   * @param w (N, K), or quantized
   * @param b (N), or none
   * @return (..., N)
   */
  public final Tensor linear(Tensor x, Tensor w, Tensor b) {
    Checks.linear(this, "linear", x, w, b);
    Tensor out = activations(x.shape().withLast(w.dim(0)));
    if (isQuantized(w)) {
      launch("quantized.linear", () -> backend.quantized().linear(out, x, w, w.scales(), b));
      return out;
    }
    launch("linear.forward", () -> computeLinear(out, x, w, b));
    record(
        out,
        false,
        List.of(),
        List.of(x, w, b),
        (tape, dout) -> linearDerivative(tape, dout, x, w, b));
    return out;
  }

  /**
   * A linear layer and its nonlinearity: {@code activation(x wᵀ + b)}.
   *
   * @param x (..., K)
   * @param w (N, K), or quantized
   * @param b (N), or none
   * @param activation what is applied to each element
   * @return (..., N)
   */
  public final Tensor linear(Tensor x, Tensor w, Tensor b, Activation activation) {
    Checks.linear(this, "linear", x, w, b);
    if (isQuantized(w)) {
      Tensor pre = linear(x, w, b);
      launch("activation.forward", () -> backend.activation().forward(pre, pre, activation));
      return pre;
    }
    Tensor out = activations(x.shape().withLast(w.dim(0)));
    Tensor pre = differentiates() ? activations(out.shape()) : out;
    launch("linear.forwardActivated", () -> computeLinear(out, pre, x, w, b, activation));
    record(
        out,
        false,
        List.of(pre),
        List.of(x, w, b),
        (tape, dout) -> {
          Tensor dpre = tape.writableGradient(out);
          tape.accumulateParameter(
              "linear.backwardActivated",
              List.of(b),
              add ->
                  backend.linear().backwardActivated(dpre, b.grad(), dpre, pre, activation, add));
          linearDerivative(tape, dpre, x, w, Tensor.NONE);
        });
    return out;
  }

  /** Whether other kernels are needed for these weights, which have no derivatives. */
  final boolean isQuantized(Tensor w) {
    boolean quantized = !w.scales().isNone();
    if (quantized && differentiates()) {
      throw new JambicException(
          "int8 weights cannot be trained; train the model that they were made from");
    }
    return quantized;
  }

  /** How {@link #linear(Tensor, Tensor, Tensor)} is computed. */
  void computeLinear(Tensor out, Tensor x, Tensor w, Tensor b) {
    backend.linear().forward(out, x, w, b);
  }

  /** How {@link #linear(Tensor, Tensor, Tensor, Activation)} is computed. */
  void computeLinear(Tensor out, Tensor pre, Tensor x, Tensor w, Tensor b, Activation activation) {
    backend.linear().forwardActivated(out, pre, x, w, b, activation);
  }

  /**
   * A nonlinearity by itself, where something comes between it and the linear layer.
   *
   * @param x any shape
   * @param activation what is applied to each element
   * @return the shape of x
   */
  public final Tensor activate(Tensor x, Activation activation) {
    Checks.activations(this, "activate", x);
    Tensor out = activations(x.shape());
    launch("activation.forward", () -> backend.activation().forward(out, x, activation));
    record(
        out,
        false,
        List.of(),
        List.of(x),
        (tape, dout) -> {
          Tensor dx = tape.writableGradient(out);
          tape.launchBack(
              "activation.backward", () -> backend.activation().backward(dx, dx, x, activation));
          tape.addGradient(x, dx);
        });
    return out;
  }

  final void linearDerivative(Tape tape, Tensor dout, Tensor x, Tensor w, Tensor b) {
    if (!w.grad().isNone() || !b.grad().isNone()) {
      tape.accumulateParameter(
          "linear.backwardWeight",
          List.of(w, b),
          add -> backend.linear().backwardWeight(w.grad(), b.grad(), dout, x, add));
    }
    tape.into(
        "linear.backwardInput", x, (dx, add) -> backend.linear().backwardInput(dx, dout, w, add));
  }

  /**
   * Layer normalization over the innermost extent.
   *
   * @param x (..., C)
   * @param g (C), the gain
   * @param b (C), the bias, or none
   * @param eps added to the variance
   * @return (..., C)
   */
  public final Tensor layerNorm(Tensor x, Tensor g, Tensor b, float eps) {
    Checks.activations(this, "layerNorm", x);
    Checks.weights(this, "layerNorm", g, b);
    Checks.require(
        eps > 0 && Float.isFinite(eps), "layerNorm: eps must be above 0 and finite, got %s", eps);
    int c = x.dim(-1);
    Checks.require(
        g.size() == c && (b.isNone() || b.size() == c),
        "layerNorm: x %s needs g and b (%d), got %s and %s",
        x,
        c,
        g,
        b);
    Tensor out = activations(x.shape());
    Tensor mean = floats(Shape.of(x.shape().rows()));
    Tensor rstd = floats(Shape.of(x.shape().rows()));
    launch("norm.forward", () -> backend.norm().forward(out, mean, rstd, x, g, b, eps));
    record(
        out,
        false,
        List.of(mean, rstd),
        List.of(x, g, b),
        (tape, dout) ->
            tape.intoOrScratch(
                "norm.backward",
                x,
                (dx, add) ->
                    backend.norm().backward(dx, g.grad(), b.grad(), dout, x, g, mean, rstd, add)));
    return out;
  }

  /**
   * Causal multi-head self-attention of whole sequences, with scores scaled by {@code 1 / sqrt(C /
   * H)}.
   *
   * @param qkv (B, T, 3C): queries, keys and values side by side
   * @param heads H, a divisor of C
   * @param dropout the probability to drop an attention weight in training
   * @return (B, T, C)
   */
  public final Tensor causalAttention(Tensor qkv, int heads, float dropout) {
    Checks.attention(this, "causalAttention", qkv, 3, heads);
    float scale = Attention.headScale(qkv.dim(2) / 3, heads);
    return Attention.self(this, "causalAttention", qkv, Tensor.NONE, heads, true, scale, dropout);
  }

  /**
   * Multi-head self-attention.
   *
   * @param qkv (B, T, 3C): queries, keys and values side by side
   * @param lengths I32 (B), each in [1, T]: keys at or past it are padding, which no query sees; or
   *     none
   * @param heads H, a divisor of C
   * @param causal whether query t sees only keys up to t
   * @param scale what the products of queries and keys are multiplied by, above 0
   * @param dropout the probability to drop an attention weight in training
   * @return (B, T, C)
   */
  public final Tensor selfAttention(
      Tensor qkv, Tensor lengths, int heads, boolean causal, float scale, float dropout) {
    return Attention.self(this, "selfAttention", qkv, lengths, heads, causal, scale, dropout);
  }

  /**
   * Multi-head attention of queries to keys and values that come from elsewhere, such as an
   * encoder, or from the same sequence where it is padded.
   *
   * @param q (B, T, C): queries
   * @param kv (B, S, 2C): keys and values side by side
   * @param lengths I32 (B), each in [1, S]: keys at or past it are padding, which no query sees; or
   *     none
   * @param heads H, a divisor of C
   * @param causal whether query t sees only keys up to t; then S = T
   * @param dropout the probability to drop an attention weight in training
   * @return (B, T, C)
   */
  public final Tensor attention(
      Tensor q, Tensor kv, Tensor lengths, int heads, boolean causal, float dropout) {
    return Attention.of(this, q, kv, lengths, heads, causal, dropout);
  }

  /**
   * Drops activations in training; outside it, the input itself.
   *
   * @param x any shape; a {@link Tape} may put the output in its memory and refuse it from then on
   * @param p the probability to drop an element
   * @return the shape of x
   */
  public final Tensor dropout(Tensor x, float p) {
    return Elementwise.dropout(this, x, p);
  }

  /**
   * Multiplies each element by a constant.
   *
   * @param x any shape; a {@link Tape} may put the output in its memory and refuse it from then on
   * @param factor finite
   * @return the shape of x
   */
  public final Tensor scale(Tensor x, float factor) {
    return Elementwise.scale(this, x, factor);
  }

  /**
   * Multiplies two tensors element by element.
   *
   * @param a any shape
   * @param b the shape of a; may be a itself
   * @return the shape of a
   */
  public final Tensor multiply(Tensor a, Tensor b) {
    return Elementwise.multiply(this, a, b);
  }

  /**
   * A residual connection: {@code x + dropout(y)}.
   *
   * @param x the skipped path
   * @param y the branch, of the same shape; a {@link Tape} may put the output in its memory and
   *     refuse it from then on
   * @param p the probability to drop an element of the branch in training
   * @return the shape of x
   */
  public final Tensor residual(Tensor x, Tensor y, float p) {
    return Elementwise.residual(this, x, y, p);
  }

  /**
   * The mean softmax cross-entropy of the rows whose target is not -1. The logits of a tape and
   * their gradient take their memory both: {@link #linearCrossEntropy} does with half.
   *
   * @param logits (..., V)
   * @param targets I32, one for each row of logits, each in [0, V) or -1
   * @param smoothing label smoothing, in [0, 1)
   * @return (1), in nats
   */
  public final Tensor crossEntropy(Tensor logits, Tensor targets, float smoothing) {
    return Losses.crossEntropy(this, logits, targets, smoothing);
  }

  /**
   * What a language model ends with: {@link #crossEntropy} of {@link #linear(Tensor, Tensor,
   * Tensor)}, by way of logits that nobody else reads. So their gradient takes their memory, and
   * their rows lie as the backend likes it.
   *
   * @param x (..., K)
   * @param w (V, K), or quantized
   * @param b (V), or none
   * @param targets I32, one for each row of x, each in [0, V) or -1
   * @param smoothing label smoothing, in [0, 1)
   * @return (1), in nats
   */
  public final Tensor linearCrossEntropy(
      Tensor x, Tensor w, Tensor b, Tensor targets, float smoothing) {
    return Losses.linearCrossEntropy(this, x, w, b, targets, smoothing);
  }

  /**
   * Each row's log-probability of its target under {@code softmax((x wᵀ + b) / temperature)}, by
   * way of logits that nobody else reads, as in {@link #linearCrossEntropy}; 0, without a gradient,
   * where the target is -1. Losses of fine-tuning and of reinforcement learning are computed of it
   * on the host, and their slopes go back by {@link Tape#backward(Tensor, Tensor, List)}.
   *
   * @param x (..., K)
   * @param w (V, K), or quantized
   * @param b (V), or none
   * @param targets I32, one for each row of x, each in [0, V) or -1
   * @param temperature what logits are divided by, above 0
   * @return F32, one for each row of x, in nats
   */
  public final Tensor logProbs(Tensor x, Tensor w, Tensor b, Tensor targets, float temperature) {
    return Losses.logProbs(this, x, w, b, targets, temperature);
  }

  /** Whether derivatives will be taken, so that what they read must be kept. */
  abstract boolean differentiates();

  /** A new tensor in the memory of a spent one, which nobody can read once its writer has. */
  abstract Tensor reuse(String op, Tensor spent);
}

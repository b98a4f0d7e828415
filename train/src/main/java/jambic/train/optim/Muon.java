package jambic.train.optim;

import jambic.tensor.DType;
import jambic.tensor.Launch;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.OptimizerKernels;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Consumer;

/**
 * Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/) for the matrices of the
 * blocks, and {@link AdamW} for all else: embeddings, head, norms and biases. Muon replaces the
 * momentum of a matrix by the nearest matrix with orthogonal rows or columns, as closely as five
 * steps of a Newton-Schulz iteration come, so that it moves equally far in all directions.
 *
 * <p>Everything is computed in 32 bits. The weight of {@code c_attn} is three matrices, of queries,
 * keys and values, each with a step of its own. Adapters (LoRA) are matrices of the blocks too.
 */
public final class Muon implements Optimizer {
  /**
   * The hyperparameters.
   *
   * @param learningRate of Muon, where that of AdamW is {@code adamWLearningRate}
   * @param adamWLearningRate what Muon's rate rises and falls with: the peak of the schedule
   * @param momentum how much of the momentum stays
   * @param weightDecay decoupled weight decay
   */
  public record Settings(
      double learningRate, double adamWLearningRate, double momentum, double weightDecay) {}

  /** The polynomial {@code a x + b x³ + c x⁵}, which brings singular values near 1 in few steps. */
  private static final float A = 3.4445f;

  private static final float B = -4.7750f;
  private static final float C = 2.0315f;
  private static final int STEPS = 5;

  private static final float EPS = 1e-7f;

  /** What is computed with on the way; matrices of one shape share it. */
  private record Scratch(Tensor x, Tensor product, Tensor square, Tensor polynomial) {
    static Scratch of(Region region, Shape shape) {
      int side = Math.min(shape.dim(0), shape.dim(1));
      Shape small = Shape.of(side, side);
      return new Scratch(
          region.allocate(DType.F32, shape),
          region.allocate(DType.F32, shape),
          region.allocate(DType.F32, small),
          region.allocate(DType.F32, small));
    }
  }

  private final Backend backend;
  private final Settings settings;
  private final AdamW rest;
  private final SequencedMap<String, Tensor> state = new LinkedHashMap<>();
  private final List<Tensor> trained;
  private final List<Launch> updating = new ArrayList<>();
  private final Map<Shape, Scratch> scratch = new HashMap<>();
  private final Region region;
  private final Tensor clipFactor; // (1)
  private final Tensor hyper; // (1): lr
  private final Tensor norm; // (1), of a momentum
  private final Tensor unclipped; // (1), always 1

  /**
   * Optimizes some parameters, of those that have gradients; the state starts at 0.
   *
   * @param backend where it computes
   * @param region where the state lives
   * @param parameters what it updates, by name: Muon those of rank 2 that are called {@code h.*}
   * @param settings of Muon
   * @param adamW settings of AdamW for the others
   * @param clipFactor (1): what gradients are multiplied by, {@link GradientClip#factor}
   */
  public Muon(
      Backend backend,
      Region region,
      Map<String, Tensor> parameters,
      Settings settings,
      AdamW.Settings adamW,
      Tensor clipFactor) {
    this.backend = backend;
    this.region = region;
    this.settings = settings;
    this.clipFactor = clipFactor;
    hyper = region.allocate(DType.F32, Shape.of(1));
    norm = region.allocate(DType.F32, Shape.of(1));
    unclipped = region.allocate(DType.F32, Shape.of(1));
    SequencedMap<String, Tensor> others = new LinkedHashMap<>();
    parameters.forEach((name, tensor) -> {
      if (tensor.grad().isNone()) {
        return; // frozen
      }
      if (name.startsWith("h.") && tensor.shape().rank() == 2) {
        add(name, tensor);
      } else {
        others.put(name, tensor);
      }
    });
    List<Tensor> momenta = List.copyOf(state.values());
    backend.launch(() -> backend.elementwise().fill(momenta, 0));
    rest = new AdamW(backend, region, others, adamW, clipFactor);
    state.putAll(rest.state());
    trained = parameters.values().stream().filter(tensor -> !tensor.grad().isNone()).toList();
  }

  private void add(String name, Tensor weight) {
    Tensor momentum = region.allocate(DType.F32, weight.shape());
    state.put("momentum." + name, momentum);
    int rows = weight.dim(0);
    int parts = name.endsWith("attn.c_attn.weight") && rows % 3 == 0 ? 3 : 1;
    for (int i = 0; i < parts; i++) {
      add(part(weight, i, parts), part(momentum, i, parts), part(weight.grad(), i, parts));
    }
  }

  /** A view of some rows of a matrix. */
  private static Tensor part(Tensor matrix, int index, int parts) {
    if (parts == 1) {
      return matrix;
    }
    int size = Math.toIntExact(matrix.size() / parts);
    return matrix
        .reshape(Shape.of(1, size * parts))
        .columns(index * size, size)
        .reshape(Shape.of(matrix.dim(0) / parts, matrix.dim(1)));
  }

  private void add(Tensor weight, Tensor momentum, Tensor grad) {
    Scratch with = scratch.computeIfAbsent(weight.shape(), shape -> Scratch.of(region, shape));
    Tensor x = with.x;
    List<Tensor> measured = List.of(x);
    float factor = (float) Math.sqrt(Math.max(1, (double) weight.dim(0) / weight.dim(1)));
    float decay = (float) settings.weightDecay();
    launch(
        "momentum",
        kernels -> kernels.momentum(x, momentum, grad, clipFactor, settings.momentum()));
    launch("clipNorm", kernels -> kernels.clipNorm(norm, unclipped, measured, 0));
    launch("normalize", kernels -> kernels.normalize(x, x, norm, EPS));
    for (int i = 0; i < STEPS; i++) {
      iterate(with, weight.dim(0) > weight.dim(1));
    }
    launch("descend", kernels -> kernels.descend(weight, x, hyper, factor, decay));
  }

  /**
   * One Newton-Schulz step, {@code x = a x + (b s + c s²) x} with {@code s = x xᵀ}. For a tall
   * matrix it is that of its transpose: {@code x = a x + x (b s + c s²)} with {@code s = xᵀ x}. The
   * symmetric s and its polynomial are multiplied from whichever side needs no transpose.
   */
  private void iterate(Scratch with, boolean tall) {
    Tensor x = with.x;
    Tensor s = with.square;
    Tensor polynomial = with.polynomial;
    Tensor product = with.product;
    if (tall) {
      launchProduct(
          "backwardWeight", () -> backend.linear().backwardWeight(s, Tensor.NONE, x, x, false));
    } else {
      launchProduct("forward", () -> backend.linear().forward(s, x, x, Tensor.NONE));
    }
    launchProduct("forward", () -> backend.linear().forward(polynomial, s, s, Tensor.NONE));
    launch("weightedSum", kernels -> kernels.weightedSum(polynomial, s, polynomial, B, C));
    if (tall) {
      launchProduct("forward", () -> backend.linear().forward(product, x, polynomial, Tensor.NONE));
    } else {
      launchProduct(
          "backwardInput", () -> backend.linear().backwardInput(product, polynomial, x, false));
    }
    launch("weightedSum", kernels -> kernels.weightedSum(x, x, product, A, 1));
  }

  private void launch(String kernel, Consumer<OptimizerKernels> body) {
    updating.add(new Launch("optimizer." + kernel, () -> body.accept(backend.optimizer())));
  }

  private void launchProduct(String kernel, Runnable body) {
    updating.add(new Launch("linear." + kernel, body));
  }

  /**
   * {@inheritDoc} Here {@code momentum.} before the name of a matrix of the blocks, and AdamW's
   * {@code m.} and {@code v.} before the others'.
   */
  @Override
  public SequencedMap<String, Tensor> state() {
    return state;
  }

  @Override
  public List<Tensor> trained() {
    return trained;
  }

  @Override
  public void prepare(int t, double lr) {
    hyper.set((float) (settings.learningRate() * (lr / settings.adamWLearningRate())));
    rest.prepare(t, lr);
  }

  @Override
  public void update() {
    updating.forEach(Launch::run);
    rest.update();
  }
}

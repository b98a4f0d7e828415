package jambic.train.optim;

import jambic.tensor.DType;
import jambic.tensor.Launch;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * AdamW (Loshchilov and Hutter, 2019) over all parameters of a model, in two groups as in nanoGPT:
 * those that decay and those that do not.
 */
public final class AdamW implements Optimizer {
  /**
   * The hyperparameters.
   *
   * @param beta1 decay of the gradient's mean
   * @param beta2 decay of the gradient's mean square
   * @param eps guard against division by zero
   * @param weightDecay decoupled weight decay
   * @param decayOn which parameters decay
   */
  public record Settings(
      double beta1, double beta2, double eps, double weightDecay, WeightDecayMode decayOn) {}

  /**
   * What is updated.
   *
   * @param name of its moments, {@code m.} and {@code v.} before it
   * @param values a parameter, or a part of one
   * @param grad of the same shape
   * @param isMatrix whether the parameter is a matrix
   */
  record Target(String name, Tensor values, Tensor grad, boolean isMatrix) {
    static List<Target> of(Map<String, Tensor> parameters) {
      List<Target> targets = new ArrayList<>();
      parameters.forEach((name, tensor) -> {
        if (!tensor.grad().isNone()) { // not frozen
          targets.add(new Target(name, tensor, tensor.grad(), tensor.shape().rank() >= 2));
        }
      });
      return targets;
    }
  }

  private record Group(
      List<Tensor> params, List<Tensor> m, List<Tensor> v, List<Tensor> grads, float decay) {
    Group(float decay) {
      this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), decay);
    }
  }

  private final Backend backend;
  private final Settings settings;
  private final SequencedMap<String, Tensor> moments = new LinkedHashMap<>();
  private final List<Tensor> trained = new ArrayList<>();
  private final List<Launch> updating = new ArrayList<>();
  private final Tensor clipFactor; // (1)
  private final Tensor hyper; // (3): lr, 1 - beta1^t, 1 - beta2^t

  /**
   * Optimizes some parameters, of those that have gradients; the moments start at 0.
   *
   * @param backend where it computes
   * @param region where the moments live
   * @param parameters what it updates, by name
   * @param settings betas, eps and decay
   * @param clipFactor (1): what gradients are multiplied by, {@link GradientClip#factor}
   */
  public AdamW(
      Backend backend,
      Region region,
      Map<String, Tensor> parameters,
      Settings settings,
      Tensor clipFactor) {
    this(backend, region, Target.of(parameters), settings, clipFactor);
  }

  AdamW(
      Backend backend, Region region, List<Target> targets, Settings settings, Tensor clipFactor) {
    this.backend = backend;
    this.settings = settings;
    this.clipFactor = clipFactor;
    Group decayed = new Group((float) settings.weightDecay());
    Group rest = new Group(0);
    for (Target target : targets) {
      boolean decays = target.isMatrix || settings.decayOn() == WeightDecayMode.ALL;
      Group group = decays ? decayed : rest;
      group.params.add(target.values);
      group.grads.add(target.grad);
      group.m.add(moment("m." + target.name, region, target.values));
      group.v.add(moment("v." + target.name, region, target.values));
      trained.add(target.values);
    }
    hyper = region.allocate(DType.F32, Shape.of(3));
    backend.launch(() -> backend.elementwise().fill(List.copyOf(moments.values()), 0));
    for (Group group : List.of(decayed, rest)) {
      if (!group.params.isEmpty()) {
        updating.add(new Launch("optimizer.adamW", () -> update(group)));
      }
    }
  }

  private Tensor moment(String name, Region region, Tensor parameter) {
    Tensor moment = region.allocate(DType.F32, parameter.shape());
    moments.put(name, moment);
    return moment;
  }

  /** {@inheritDoc} Here the moments, {@code m.} and {@code v.} before the parameter's name. */
  @Override
  public SequencedMap<String, Tensor> state() {
    return moments;
  }

  @Override
  public List<Tensor> trained() {
    return trained;
  }

  @Override
  public void prepare(int t, double lr) {
    hyper.set(
        (float) lr,
        (float) (1 - Math.pow(settings.beta1(), t)),
        (float) (1 - Math.pow(settings.beta2(), t)));
  }

  @Override
  public void update() {
    updating.forEach(Launch::run);
  }

  private void update(Group group) {
    backend
        .optimizer()
        .adamW(
            group.params,
            group.m,
            group.v,
            group.grads,
            hyper,
            clipFactor,
            settings.beta1(),
            settings.beta2(),
            (float) settings.eps(),
            group.decay);
  }
}

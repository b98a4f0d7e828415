package jambic.train;

import jambic.model.Parameters;
import jambic.tensor.DType;
import jambic.tensor.Launch;
import jambic.tensor.Shape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * AdamW with clipping over all parameters of a model, in two groups as in nanoGPT: those that decay
 * and those that do not. What changes from step to step lies in tensors, so that the whole update
 * can be captured.
 */
public final class AdamW {
  private record Group(
      List<Tensor> params, List<Tensor> m, List<Tensor> v, List<Tensor> grads, float decay) {
    Group(float decay) {
      this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), decay);
    }
  }

  private final Backend backend;
  private final TrainConfig config;
  private final SequencedMap<String, Tensor> moments = new LinkedHashMap<>();
  private final List<Tensor> trained = new ArrayList<>();
  private final Launch clearing;
  private final List<Launch> updating = new ArrayList<>();
  private final Tensor hyper; // (3): lr, 1 - beta1^t, 1 - beta2^t
  private final Tensor norm; // (1)
  private final Tensor clip; // (1)

  /**
   * The optimizer of some parameters, of those that have gradients; the moments start at 0.
   *
   * @param backend where it computes
   * @param region where the moments live
   * @param parameters what it updates
   * @param config betas, eps, decay and clipping
   */
  public AdamW(Backend backend, Region region, Parameters parameters, TrainConfig config) {
    this.backend = backend;
    this.config = config;
    Group decayed = new Group((float) config.weightDecay());
    Group rest = new Group(0);
    parameters
        .byName()
        .forEach((name, tensor) -> {
          if (tensor.grad().isNone()) {
            return; // frozen
          }
          boolean matrix = tensor.shape().rank() >= 2;
          Group group = matrix || config.decayOn() == DecayOn.ALL ? decayed : rest;
          group.params.add(tensor);
          group.grads.add(tensor.grad());
          group.m.add(moment("m." + name, region, tensor));
          group.v.add(moment("v." + name, region, tensor));
          trained.add(tensor);
        });
    List<Tensor> grads = trained.stream().map(Tensor::grad).toList();
    hyper = region.allocate(DType.F32, Shape.of(3));
    norm = region.allocate(DType.F32, Shape.of(1));
    clip = region.allocate(DType.F32, Shape.of(1));
    backend.launch(() -> backend.elementwise().fill(List.copyOf(moments.values()), 0));
    clearing = new Launch("elementwise.fill", () -> backend.elementwise().fill(grads, 0));
    updating.add(
        new Launch(
            "optimizer.clipNorm",
            () -> backend.optimizer().clipNorm(norm, clip, grads, (float) config.gradClip())));
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

  /**
   * The moments by name, {@code m.} and {@code v.} before the parameter's: what a resumed run
   * restores.
   *
   * @return the tensors
   */
  public SequencedMap<String, Tensor> moments() {
    return moments;
  }

  /**
   * The Euclidean norm of the gradient of the last {@link #update}, before clipping.
   *
   * @return (1)
   */
  public Tensor norm() {
    return norm;
  }

  /** What it updates: the parameters that are not frozen. */
  List<Tensor> trained() {
    return trained;
  }

  /** Launches the clearing of all gradients, before several passes add to them. */
  public void clearGradients() {
    clearing.run();
  }

  /**
   * Sets what the next {@link #update} reads.
   *
   * @param t which update it is, from 1
   * @param lr the learning rate
   */
  public void prepare(int t, double lr) {
    hyper.set(
        (float) lr,
        (float) (1 - Math.pow(config.beta1(), t)),
        (float) (1 - Math.pow(config.beta2(), t)));
  }

  /** Launches clipping and the update of every parameter. */
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
            clip,
            (float) config.beta1(),
            (float) config.beta2(),
            (float) config.eps(),
            group.decay);
  }
}

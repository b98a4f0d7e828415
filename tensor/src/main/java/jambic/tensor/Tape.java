package jambic.tensor;

import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Dropout;
import jambic.tensor.spi.Region;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Operations that record their derivatives: training.
 *
 * <p>A tape is written once. The forward pass runs while it is recorded, {@link #backward} runs and
 * records the gradients, and {@link #program} is the whole of it as a list of launches over fixed
 * memory: each later step writes new tokens into the same tensors and runs the program, which
 * allocates nothing and can be captured by a device. Where a loss is computed elsewhere, a step is
 * two programs: {@link #program}, taken before {@link #backward(Tensor, Tensor, List)}, and {@link
 * #backwardProgram}, with the gradients of its outputs set in between.
 *
 * <p>The backward pass visits operations from last to first. Once an operation's derivative is
 * taken, nobody reads its output or that output's gradient any more, and both return to the region,
 * a gradient that several tensors have with the last of them: peak memory is the activations plus a
 * few gradients, not twice the activations. Gradients of trained tensors are added to {@link
 * Tensor#grad}, unless {@link #backward(Tensor, float, List)} is told to overwrite them.
 *
 * <p>The forward pass reuses memory too: the input of {@link #dropout} or {@link #scale} and the
 * branch of a {@link #residual} become the output in place where the operation just before made
 * them and is not attention. Whatever is written over, there or in the backward pass, is refused
 * from then on, by operations and by copies from and to the host.
 */
public final class Tape extends Ops {
  private record Node(
      Tensor out,
      boolean readsOutput,
      List<Tensor> saved,
      List<Tensor> inputs,
      Derivative derivative) {}

  /** A gradient kernel that can overwrite or add. */
  @FunctionalInterface
  interface GradientKernel {
    void launch(Tensor dx, boolean accumulate);
  }

  /** A kernel that can overwrite the gradients of trained tensors or add to them. */
  @FunctionalInterface
  interface ParameterKernel {
    void launch(boolean accumulate);
  }

  private final List<Node> nodes = new ArrayList<>();
  private final Set<Tensor> differentiable = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Tensor> owners = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Tensor, Tensor> grads = new IdentityHashMap<>();
  private final Set<Tensor> fresh = new LinkedHashSet<>(); // to overwrite, not yet written
  private final List<Tensor> cleared = new ArrayList<>(); // those that are added to
  private final List<Launch> backwardLaunches = new ArrayList<>();
  private final Map<Tensor, Integer> settled = new IdentityHashMap<>(); // gradient, after launches
  private final long seed;
  private final Tensor step;
  private int sites;
  private int turn = -1; // how many launches the last backward pass found

  /**
   * An empty tape.
   *
   * @param backend where kernels run
   * @param region where activations live until the tape is given up
   * @param seed of dropout
   */
  public Tape(Backend backend, Region region, long seed) {
    super(backend, region);
    this.seed = seed;
    this.step = region.allocate(DType.I32, Shape.of(1));
    step.set(0);
  }

  /**
   * The counter of dropout: set it to another number before each run of the program, or the same
   * elements drop again.
   *
   * @return I32 (1), 0 at first
   */
  public Tensor step() {
    return step;
  }

  /**
   * Runs and records the gradients of a loss with respect to every trained tensor that it depends
   * on, and adds them to what is there. Of the outputs that depend on one too, only the loss can be
   * read afterwards: the others' memory is reused.
   *
   * @param loss (1), the last operation's output
   * @param scale what the loss is multiplied by, as 1/n of n accumulated batches
   * @throws ShapeException if the loss is not one number
   * @throws JambicException if it does not depend on a trained tensor by way of this tape, or the
   *     backward pass has run already
   */
  public void backward(Tensor loss, float scale) {
    backward(loss, scale, List.of());
  }

  /**
   * The same for gradients that are overwritten, now and at every run of the program, as if they
   * had been cleared before. It is cheaper: those of linear layers, nearly all of a model, are
   * neither cleared nor read, because the first product overwrites them.
   *
   * @param loss (1), the last operation's output
   * @param scale what the loss is multiplied by
   * @param overwrite trained tensors whose gradients count as zero, whatever they hold, and share
   *     no memory; those that the loss does not depend on become zero, and frozen ones have none
   * @throws ShapeException if the loss is not one number
   * @throws JambicException if it does not depend on a trained tensor by way of this tape, or the
   *     backward pass has run already
   */
  public void backward(Tensor loss, float scale, List<Tensor> overwrite) {
    Checks.require(
        loss.size() == 1 && loss.dtype() == DType.F32,
        "backward: a loss is one number of 32 bits, got %s",
        loss);
    requireDifferentiable(loss);
    Tensor dloss = floats(loss.shape());
    launchBack("elementwise.fill", () -> backend().elementwise().fill(List.of(dloss), scale));
    addGradient(loss, dloss);
    differentiate(List.of(loss), overwrite);
  }

  /**
   * The same from a gradient that is given: of a loss what it is multiplied by, of any other output
   * what was computed of it elsewhere. Every run of the program reads it again, so that nothing is
   * recorded again when it changes.
   *
   * @param out an operation's output
   * @param dout its gradient, of the same type and shape; not written to
   * @param overwrite as {@link #backward(Tensor, float, List)} has it
   * @throws ShapeException if the gradient does not fit the output
   * @throws JambicException if the output does not depend on a trained tensor by way of this tape,
   *     or the backward pass has run already
   */
  public void backward(Tensor out, Tensor dout, List<Tensor> overwrite) {
    backward(List.of(out), List.of(dout), overwrite);
  }

  /**
   * The same from several outputs, whose gradients add up where they meet: two heads of one body.
   *
   * @param outs outputs of operations, all of which can be read afterwards
   * @param douts a gradient for each
   * @param overwrite as {@link #backward(Tensor, float, List)} has it
   * @throws ShapeException if a gradient does not fit its output
   * @throws JambicException if an output does not depend on a trained tensor by way of this tape,
   *     or the backward pass has run already
   */
  public void backward(List<Tensor> outs, List<Tensor> douts, List<Tensor> overwrite) {
    Checks.require(
        !outs.isEmpty() && outs.size() == douts.size(),
        "backward: needs outputs and as many gradients, got %d and %d",
        outs.size(),
        douts.size());
    for (int i = 0; i < outs.size(); i++) {
      Tensor out = outs.get(i);
      Tensor dout = douts.get(i);
      Checks.live("backward", out, dout);
      Checks.contiguous("backward", dout);
      Checks.require(
          dout.dtype() == out.dtype() && dout.shape().equals(out.shape()),
          "backward: %s needs a gradient of its type and shape, got %s",
          out,
          dout);
      requireDifferentiable(out);
    }
    for (int i = 0; i < outs.size(); i++) {
      Tensor dout = region().allocate(outs.get(i).dtype(), outs.get(i).shape());
      copy(dout, douts.get(i));
      addGradient(outs.get(i), dout);
    }
    differentiate(outs, overwrite);
  }

  /**
   * What the last {@link #backward} launched, as a program of its own. With {@link #program}, taken
   * before it, an iteration runs in two parts: forward, then, once gradients of the outputs are
   * set, backward.
   *
   * @return the program, to be run when the forward pass has run
   * @throws JambicException if there was no backward pass
   */
  public Program backwardProgram() {
    requireBackward("backwardProgram");
    return program(turn, launchCount());
  }

  /**
   * {@link #program} cut where gradients are final, so that they can be sent while the rest runs.
   *
   * @param groups gradients of trained tensors; at least one group
   * @return a program for each group, to be run in this order: once it has run, nothing is added
   *     any more to the gradients of its group and of those before. The last one runs to the end
   * @throws JambicException if there was no backward pass
   */
  public List<Program> programs(List<List<Tensor>> groups) {
    requireBackward("programs");
    return programs(0, groups);
  }

  /**
   * {@link #backwardProgram} cut likewise.
   *
   * @param groups as {@link #programs} has them
   * @return a program for each group
   * @throws JambicException if there was no backward pass
   */
  public List<Program> backwardPrograms(List<List<Tensor>> groups) {
    requireBackward("backwardPrograms");
    return programs(turn, groups);
  }

  private List<Program> programs(int first, List<List<Tensor>> groups) {
    List<Program> programs = new ArrayList<>();
    int from = first;
    for (List<Tensor> group : groups) {
      int to = programs.size() + 1 == groups.size() ? launchCount() : from;
      for (Tensor gradient : group) {
        to = Math.max(to, settled.getOrDefault(gradient, turn));
      }
      programs.add(from == to ? () -> {} : program(from, to));
      from = to;
    }
    return programs;
  }

  private void requireBackward(String what) {
    if (turn < 0) {
      throw new JambicException(what + ": call backward first, which records what it runs");
    }
  }

  private void requireDifferentiable(Tensor out) {
    if (!requiresGrad(out)) {
      throw new JambicException(
          "backward: no operation of this tape made the loss of something trained, or its gradients"
              + " are taken already");
    }
  }

  private void differentiate(List<Tensor> outs, List<Tensor> overwrite) {
    turn = launchCount();
    settled.clear();
    overwrite.forEach(x -> fresh.add(x.grad()));
    fresh.remove(Tensor.NONE);
    for (Node node : nodes.reversed()) {
      if (grads.containsKey(node.out)) {
        add(node.out.grad(), grads.get(node.out));
        node.derivative.apply(this, grads.get(node.out));
        settled.put(node.out.grad(), backwardLaunches.size());
        for (Tensor x : node.inputs) {
          clearIfFresh(x.grad());
          settled.put(x.grad(), backwardLaunches.size());
        }
        Tensor dout = grads.remove(node.out);
        if (!grads.containsValue(dout)) {
          region().release(dout);
        }
      }
      node.saved.forEach(region()::release);
      if (!outs.contains(node.out) && owners.remove(node.out)) {
        node.out.overwrittenBy("backward");
        region().release(node.out);
      }
    }
    nodes.clear();
    differentiable.clear();
    cleared.addAll(fresh);
    fresh.forEach(gradient -> settled.put(gradient, 0));
    fresh.clear();
    if (!cleared.isEmpty()) {
      List<Tensor> all = List.copyOf(cleared);
      launch("elementwise.fill", () -> backend().elementwise().fill(all, 0));
      cleared.clear();
    }
    int before = launchCount();
    settled.replaceAll((_, launches) -> before + launches);
    backwardLaunches.forEach(this::launch);
    backwardLaunches.clear();
  }

  /**
   * Launches a kernel when the whole backward pass is known: which gradients are to be cleared
   * before its first kernel shows only at its end.
   */
  void launchBack(String kernel, Runnable body) {
    backwardLaunches.add(new Launch(kernel, body));
  }

  /**
   * Launches a kernel that overwrites the gradients of trained tensors where it is the first to
   * reach any of them, and reaches each once, and else adds to all.
   */
  void accumulateParameter(String name, List<Tensor> trained, ParameterKernel kernel) {
    List<Tensor> all = trained.stream().map(Tensor::grad).filter(dx -> !dx.isNone()).toList();
    boolean overwrite = fresh.containsAll(all) && Set.copyOf(all).size() == all.size();
    if (overwrite) {
      fresh.removeAll(all);
    } else {
      all.forEach(this::clearIfFresh);
    }
    launchBack(name, () -> kernel.launch(!overwrite));
  }

  /** What is added to has to begin with zeros, and is overwritten by nobody later. */
  private void clearIfFresh(Tensor gradient) {
    if (fresh.remove(gradient)) {
      cleared.add(gradient);
    }
  }

  /** Launches a kernel that writes or adds the gradient of x, if x has one. */
  void into(String name, Tensor x, GradientKernel kernel) {
    if (!requiresGrad(x)) {
      if (isTrained(x)) {
        accumulateParameter(name, List.of(x), add -> kernel.launch(x.grad(), add));
      }
    } else if (grads.containsKey(x)) {
      Tensor known = writableGradient(x);
      launchBack(name, () -> kernel.launch(known, true));
    } else {
      Tensor dx = region().allocate(x.dtype(), x.shape());
      grads.put(x, dx);
      launchBack(name, () -> kernel.launch(dx, false));
    }
  }

  /** The same for a kernel that writes other gradients too, and so runs even if x needs none. */
  void intoOrScratch(String name, Tensor x, GradientKernel kernel) {
    if (requiresGrad(x)) {
      into(name, x, kernel);
      return;
    }
    Tensor aside = region().allocate(x.dtype(), x.shape());
    launchBack(name, () -> kernel.launch(aside, false));
    addGradient(x, aside);
    region().release(aside);
  }

  /** The same for a kernel that can only overwrite: a second gradient goes through a temporary. */
  void into(String name, Tensor x, Function<Tensor, Runnable> kernel) {
    if (!requiresGrad(x) && !isTrained(x)) {
      return;
    }
    intoAll(name, List.of(x), gradients -> kernel.apply(gradients.getFirst()));
  }

  /** The same for a kernel that overwrites the gradients of all its inputs, whoever needs one. */
  void intoAll(String name, List<Tensor> inputs, Function<List<Tensor>, Runnable> kernel) {
    List<Tensor> gradients =
        inputs.stream().map(x -> region().allocate(x.dtype(), x.shape())).toList();
    launchBack(name, kernel.apply(gradients));
    for (int i = 0; i < inputs.size(); i++) {
      addGradient(inputs.get(i), gradients.get(i));
      if (grads.get(inputs.get(i)) != gradients.get(i)) {
        region().release(gradients.get(i));
      }
    }
  }

  /**
   * Makes a gradient that of x too, or adds it to that of x. Tensors may share one: it is written
   * to only through {@link #writableGradient}.
   */
  void addGradient(Tensor x, Tensor dx) {
    if (!requiresGrad(x)) {
      add(x.grad(), dx);
    } else if (grads.putIfAbsent(x, dx) != null) {
      add(writableGradient(x), dx);
    }
  }

  private void add(Tensor known, Tensor dx) {
    if (!known.isNone()) {
      launchBack("elementwise.add", () -> backend().elementwise().add(known, known, dx));
    }
  }

  /** The gradient of x to write to: from now on a copy, if another tensor has the same one. */
  Tensor writableGradient(Tensor x) {
    Tensor known = grads.get(x);
    if (grads.values().stream().filter(dx -> dx == known).count() == 1) {
      return known;
    }
    Tensor copy = region().allocate(known.dtype(), known.shape());
    grads.put(x, copy);
    copy(copy, known);
    return copy;
  }

  private void copy(Tensor out, Tensor x) {
    launchBack(
        "elementwise.dropout",
        () -> backend().elementwise().dropout(out, x, Dropout.NONE)); // drops nothing
  }

  @Override
  boolean requiresGrad(Tensor x) {
    return differentiable.contains(x);
  }

  private static boolean isTrained(Tensor x) {
    return !x.grad().isNone();
  }

  @Override
  void record(
      Tensor out,
      boolean readsOutput,
      List<Tensor> saved,
      List<Tensor> inputs,
      Derivative derivative) {
    for (Tensor x : inputs) {
      for (Tensor seen = x; seen.viewed() != seen; ) {
        seen = seen.viewed();
        Checks.require(
            !requiresGrad(seen) && (isTrained(x) || !isTrained(seen)),
            "a tape follows tensors, not views of them: give the operation the whole of %s",
            seen);
      }
    }
    if (inputs.stream().noneMatch(x -> requiresGrad(x) || isTrained(x))) {
      return;
    }
    nodes.add(new Node(out, readsOutput, saved, inputs, derivative));
    differentiable.add(out);
    owners.add(out);
  }

  @Override
  boolean canReuse(Tensor value) {
    return !nodes.isEmpty() && nodes.getLast().out == value && !nodes.getLast().readsOutput;
  }

  @Override
  boolean differentiates() {
    return true;
  }

  @Override
  Tensor reuse(String op, Tensor spent) {
    owners.remove(spent);
    spent.overwrittenBy(op);
    return Tensor.over(spent.shape(), spent.dtype(), spent.storage(), spent.offset());
  }

  @Override
  Dropout dropoutSite(float p) {
    return p == 0 ? Dropout.NONE : new Dropout(p, seed, sites++, step);
  }
}

package jambic.train;

import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Backend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.objective.Objective;
import jambic.train.optim.GradientClip;
import jambic.train.optim.Optimizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * One iteration: batches in, gradients, update. The first run with batches of a shape records it;
 * every later one writes new inputs into the same tensors and replays, allocating nothing.
 *
 * <p>The gradient is that of the mean over all that counts in the iteration: each micro batch is
 * weighted by its number of counted targets ({@link Objective}).
 */
public final class TrainingStep {
  /**
   * A forward and backward pass over fixed memory.
   *
   * @param pass alone
   * @param iteration with the update, as one program: an iteration of one micro batch
   */
  private record MicroStep(Tensor step, Tensor loss, Program pass, Program iteration) {
    double run(Program program, int count) {
      step.set(count);
      program.run();
      return loss.toFloats()[0];
    }
  }

  /** What a pass over batches of a shape reads, and the pass once it is recorded. */
  private static final class Batch {
    private final List<Tensor> inputs;
    private final Tensor share; // (1), what the loss is weighted by: its part of all targets
    private Optional<MicroStep> recorded = Optional.empty();

    Batch(List<Tensor> inputs, Tensor share) {
      this.inputs = inputs;
      this.share = share;
    }
  }

  private final Backend backend;
  private final Objective objective;
  private final Optimizer optimizer;
  private final int microSteps;
  private final long seed;
  private final Region region;
  private final Program clear;
  private final Program update;
  private final Map<Object, Batch> batches = new HashMap<>(); // by their shape

  /**
   * Prepares the iterations of a run.
   *
   * @param backend where it computes
   * @param objective batches and loss
   * @param optimizer over the parameters that have gradients
   * @param clip of these gradients
   * @param microSteps batches behind one update, at least 1
   * @param seed of dropout
   * @param region holds activations while an iteration runs; between runs others may overwrite it
   */
  public TrainingStep(
      Backend backend,
      Objective objective,
      Optimizer optimizer,
      GradientClip clip,
      int microSteps,
      long seed,
      Region region) {
    this.backend = backend;
    this.objective = objective;
    this.optimizer = optimizer;
    this.microSteps = microSteps;
    this.seed = seed;
    this.region = region;
    clear = backend.capture(clip::zeroGradients);
    update =
        backend.capture(() -> {
          clip.computeNorm();
          optimizer.update();
        });
  }

  /**
   * Runs one iteration.
   *
   * @param iteration its number, from 0: seeds dropout and counts the optimizer's bias corrections
   * @param lr the learning rate
   * @return the mean loss of its batches before the update
   * @throws JambicException if nothing counts in any of its batches
   */
  public double run(int iteration, double lr) {
    return run(iteration, lr, () -> false).orElseThrow();
  }

  /**
   * Runs one iteration unless it is stopped between two micro batches: then there is no update, and
   * the iteration may be run again as if it had not begun.
   *
   * @param iteration its number, from 0: seeds dropout and counts the optimizer's bias corrections
   * @param lr the learning rate
   * @param stop asked before every micro batch but the first
   * @return the mean loss of its batches before the update; empty if it was stopped
   * @throws JambicException if nothing counts in any of its batches
   */
  public OptionalDouble run(int iteration, double lr, BooleanSupplier stop) {
    optimizer.prepare(iteration + 1, lr);
    return microSteps == 1 ? OptionalDouble.of(runSingle(iteration)) : runSeveral(iteration, stop);
  }

  /** One micro batch, whose gradients overwrite those of before. */
  private double runSingle(int iteration) {
    Batch batch = batch(iteration, 0);
    requireTargets(objective.fill(batch.inputs, iteration, 0), iteration);
    batch.share.set(1f);
    if (batch.recorded.isPresent()) {
      return batch.recorded.get().run(batch.recorded.get().iteration, iteration);
    }
    double loss = forwardAndBackward(batch, iteration);
    update.run();
    return loss;
  }

  /**
   * The tensors of a micro batch: those of another shape may lie in the same memory. Until a pass
   * is recorded, they are allocated anew, for its activations must lie behind them and not behind
   * those of the shape that came last.
   */
  private Batch batch(int iteration, int micro) {
    Object shape = objective.shape(iteration, micro);
    Batch known = batches.get(shape);
    if (known != null && known.recorded.isPresent()) {
      return known;
    }
    region.rewind();
    Batch fresh =
        new Batch(objective.allocate(region, shape), region.allocate(DType.F32, Shape.of(1)));
    batches.put(shape, fresh);
    return fresh;
  }

  /** Micro batches that add their gradients. */
  private OptionalDouble runSeveral(int iteration, BooleanSupplier stop) {
    boolean equal = objective.hasEqualWeights();
    long total = equal ? microSteps : totalWeight(iteration);
    clear.run();
    double sum = 0;
    for (int i = 0; i < microSteps; i++) {
      if (i > 0 && stop.getAsBoolean()) {
        return OptionalDouble.empty();
      }
      Batch batch = batch(iteration, i);
      int filled = objective.fill(batch.inputs, iteration, i);
      int weight = equal ? 1 : filled;
      if (weight > 0) {
        batch.share.set((float) ((double) weight / total));
        sum += weight * forwardAndBackward(batch, iteration * microSteps + i);
      }
    }
    update.run();
    return OptionalDouble.of(sum / total);
  }

  /** Every share needs the sum of all weights, so that batches are filled in twice. */
  private long totalWeight(int iteration) {
    long total = 0;
    for (int i = 0; i < microSteps; i++) {
      total += objective.fill(batch(iteration, i).inputs, iteration, i);
    }
    requireTargets(total, iteration);
    return total;
  }

  private static void requireTargets(long weight, int iteration) {
    if (weight == 0) {
      throw new JambicException(
          Text.format(
              "no target counts in any batch of iteration %d; use more batches or a larger context",
              iteration));
    }
  }

  private double forwardAndBackward(Batch batch, int count) {
    if (batch.recorded.isPresent()) {
      MicroStep step = batch.recorded.get();
      return step.run(step.pass, count);
    }
    Tape tape = new Tape(backend, region, seed);
    tape.step().set(count);
    Tensor loss = objective.loss(tape, batch.inputs);
    tape.backward(loss, batch.share, microSteps == 1 ? optimizer.trained() : List.of());
    Program pass = tape.program();
    Program whole =
        backend.capture(() -> {
          pass.run();
          update.run();
        });
    batch.recorded = Optional.of(new MicroStep(tape.step(), loss, pass, whole));
    return loss.toFloats()[0];
  }
}

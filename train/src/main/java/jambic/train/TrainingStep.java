package jambic.train;

import jambic.model.Gpt;
import jambic.tensor.DType;
import jambic.tensor.Program;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * One iteration: batches in, gradients, update. The first run records it; every later one writes
 * new tokens into the same tensors and replays, allocating nothing.
 */
public final class TrainingStep {
  /** Where the batches of an iteration come from. */
  @FunctionalInterface
  public interface BatchSource {
    /**
     * Fills one micro batch.
     *
     * @param microStep which of the iteration's, from 0
     * @param x (batchSize, blockSize), the inputs
     * @param y (batchSize, blockSize), the targets
     */
    void fill(int microStep, int[] x, int[] y);
  }

  /**
   * A forward and backward pass over fixed memory.
   *
   * @param pass alone
   * @param iteration with the update, as one program: an iteration of one micro batch
   */
  private record MicroStep(
      Tensor ids, Tensor targets, Tensor step, Tensor loss, Program pass, Program iteration) {
    double run(Program program, int[] x, int[] y, int count) {
      ids.set(x);
      targets.set(y);
      step.set(count);
      program.run();
      return loss.toFloats()[0];
    }
  }

  private final TrainConfig config;
  private final Gpt model;
  private final AdamW optimizer;
  private final Region region;
  private final int[] x;
  private final int[] y;
  private final Program clear;
  private final Program update;
  private Optional<MicroStep> recorded = Optional.empty();

  /**
   * The iteration of a model.
   *
   * @param model whose parameters have gradients
   * @param optimizer over these parameters
   * @param config batch, context, accumulation and seed
   * @param region holds activations while an iteration runs; between runs others may overwrite it
   */
  public TrainingStep(Gpt model, AdamW optimizer, TrainConfig config, Region region) {
    this.model = model;
    this.optimizer = optimizer;
    this.config = config;
    this.region = region;
    x = new int[config.batchSize() * config.blockSize()];
    y = new int[x.length];
    clear = model.backend().capture(optimizer::clearGradients);
    update = model.backend().capture(optimizer::update);
  }

  /**
   * Runs one iteration.
   *
   * @param iteration its number, from 0: counts dropout and the moments' corrections
   * @param lr the learning rate
   * @param batches the data
   * @return the mean loss of its batches before the update, in nats a token
   */
  public double run(int iteration, double lr, BatchSource batches) {
    return run(iteration, lr, batches, () -> false).orElseThrow();
  }

  /**
   * The same, unless someone gives it up between two micro batches: then there is no update, and
   * the iteration may be run again as if it had not begun.
   *
   * @param iteration its number, from 0: counts dropout and the moments' corrections
   * @param lr the learning rate
   * @param batches the data
   * @param stop asked before every micro batch but the first
   * @return the mean loss of its batches before the update, in nats a token; empty if given up
   */
  public OptionalDouble run(int iteration, double lr, BatchSource batches, BooleanSupplier stop) {
    int steps = config.gradientAccumulationSteps();
    optimizer.prepare(iteration + 1, lr);
    if (steps == 1 && recorded.isPresent()) {
      MicroStep step = recorded.get();
      batches.fill(0, x, y);
      return OptionalDouble.of(step.run(step.iteration, x, y, iteration));
    }
    if (steps > 1) { // a single pass begins its gradients anew
      clear.run();
    }
    double sum = 0;
    for (int i = 0; i < steps; i++) {
      if (i > 0 && stop.getAsBoolean()) {
        return OptionalDouble.empty();
      }
      batches.fill(i, x, y);
      sum += forwardAndBackward(iteration * steps + i);
    }
    update.run();
    return OptionalDouble.of(sum / steps);
  }

  private double forwardAndBackward(int count) {
    if (recorded.isPresent()) {
      MicroStep step = recorded.get();
      return step.run(step.pass, x, y, count);
    }
    region.rewind();
    Shape shape = Shape.of(config.batchSize(), config.blockSize());
    Tensor ids = region.allocate(DType.I32, shape);
    Tensor targets = region.allocate(DType.I32, shape);
    ids.set(x);
    targets.set(y);
    Tape tape = new Tape(model.backend(), region, config.seed());
    tape.step().set(count);
    Tensor loss = model.loss(tape, ids, targets);
    int steps = config.gradientAccumulationSteps();
    tape.backward(loss, 1f / steps, steps == 1 ? optimizer.trained() : List.of());
    Program pass = tape.program();
    Program whole =
        model
            .backend()
            .capture(() -> {
              pass.run();
              update.run();
            });
    recorded = Optional.of(new MicroStep(ids, targets, tape.step(), loss, pass, whole));
    return loss.toFloats()[0];
  }
}

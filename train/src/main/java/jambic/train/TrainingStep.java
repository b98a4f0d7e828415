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
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.GradientSum;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import java.util.stream.LongStream;

/**
 * One iteration: batches in, gradients, update. The first run with batches of a shape records it;
 * every later one writes new inputs into the same tensors and replays, allocating nothing.
 *
 * <p>The gradient is that of the mean over all that counts in the iteration: each micro batch is
 * weighted by its number of counted targets ({@link Objective}).
 */
public final class TrainingStep {
  /** The number of the rank that the others waited for. */
  public static final String SLOWEST_RANK = "slowest_rank";

  /** The milliseconds that its forward and backward passes took. */
  public static final String SLOWEST_MS = "slowest_ms";

  /** The milliseconds that the first rank waited for other ranks or the network. */
  public static final String WAITED_MS = "waited_ms";

  /**
   * A forward and backward pass over fixed memory.
   *
   * @param parts alone, cut where a group of gradients is final
   * @param iteration with the update, as one program: an iteration of one micro batch
   */
  private record MicroStep(Tensor step, Tensor loss, List<Program> parts, Program iteration) {
    double runIteration(int count) {
      step.set(count);
      iteration.run();
      return loss.toFloats()[0];
    }

    double run(int count, IntConsumer afterPart) {
      step.set(count);
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).run();
        afterPart.accept(i);
      }
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
  private final GradientSum gradients;
  private final long seed;
  private final Region region;
  private final Program clear;
  private final Program update;
  private final Map<String, Double> numbers = new TreeMap<>();
  private final Map<Kind, Batch> batches = new HashMap<>();

  /**
   * Batches of one program: their shape, and whether their gradients are added to what is there.
   */
  private record Kind(Object shape, boolean adds) {}

  /**
   * Prepares the iterations of a run.
   *
   * @param backend where it computes
   * @param objective batches and loss
   * @param optimizer over the parameters that have gradients
   * @param clip of these gradients
   * @param gradients sums those of the batches behind one update
   * @param seed of dropout
   * @param region holds activations while an iteration runs; between runs others may overwrite it
   */
  public TrainingStep(
      Backend backend,
      Objective objective,
      Optimizer optimizer,
      GradientClip clip,
      GradientSum gradients,
      long seed,
      Region region) {
    this.backend = backend;
    this.objective = objective;
    this.optimizer = optimizer;
    this.gradients = gradients;
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
    return gradients.microBatches() == 1
        ? OptionalDouble.of(runSingle(iteration))
        : runSeveral(iteration, stop);
  }

  /** One micro batch, whose gradients overwrite those of before. */
  private double runSingle(int iteration) {
    Batch batch = batch(iteration, 0, false);
    requireTargets(objective.fill(batch.inputs, iteration, 0), iteration);
    batch.share.set(1f);
    if (batch.recorded.isPresent()) {
      return batch.recorded.get().runIteration(iteration);
    }
    double loss = forwardAndBackward(batch, iteration, false, ignored -> {});
    update.run();
    return loss;
  }

  /**
   * The tensors of a micro batch: those of another shape may lie in the same memory. Until a pass
   * is recorded, they are allocated anew, for its activations must lie behind them and not behind
   * those of the shape that came last.
   */
  private Batch batch(int iteration, int micro, boolean adds) {
    Object shape = objective.shape(iteration, micro);
    Kind kind = new Kind(shape, adds);
    Batch known = batches.get(kind);
    if (known != null && known.recorded.isPresent()) {
      return known;
    }
    region.rewind();
    Batch fresh =
        new Batch(objective.allocate(region, shape), region.allocate(DType.F32, Shape.of(1)));
    batches.put(kind, fresh);
    return fresh;
  }

  /** This rank's micro batches, whose gradients are summed lane by lane. */
  private OptionalDouble runSeveral(int iteration, BooleanSupplier stop) {
    long start = System.nanoTime();
    DataParallel ranks = gradients.ranks();
    double waited = ranks.waitedMs();
    boolean equal = objective.hasEqualWeights();
    long total = equal ? gradients.microBatches() : totalWeight(iteration);
    double[] losses = new double[gradients.share()];
    boolean adds = false;
    for (int i = 0; i < losses.length; i++) {
      if (i > 0 && !ranks.isShared() && stop.getAsBoolean()) { // ranks agree after an iteration
        return OptionalDouble.empty();
      }
      int micro = gradients.first() + i;
      adds &= !gradients.beginsLane(i);
      Batch batch = batch(iteration, micro, adds);
      int filled = objective.fill(batch.inputs, iteration, micro);
      int weight = equal ? 1 : filled;
      if (weight > 0) {
        batch.share.set((float) ((double) weight / total));
        int count = iteration * gradients.microBatches() + micro;
        losses[i] = weight * forwardAndBackward(batch, count, adds, gradients.afterPart(i));
        adds = true;
      }
      if (gradients.endsLane(i)) {
        if (!adds) {
          clear.run(); // nothing counts in any of its batches
        }
        gradients.addLane(i);
      }
    }
    double computed = (System.nanoTime() - start) * 1e-6 - (ranks.waitedMs() - waited);
    gradients.await();
    double sum = gather(losses, computed);
    if (optimizer.isSharded()) {
      optimizer.update();
    } else {
      gradients.gather();
      update.run();
    }
    if (ranks.isShared()) {
      numbers.put(WAITED_MS, ranks.waitedMs() - waited);
    }
    return OptionalDouble.of(sum / total);
  }

  /** Adds up the losses of all ranks in their order, and finds who was the last. */
  private double gather(double[] losses, double ms) {
    double[] mine = Arrays.copyOf(losses, losses.length + 1);
    mine[losses.length] = ms;
    double[] all = gradients.ranks().gather(mine);
    double sum = 0;
    int slowest = 0;
    for (int i = 0; i < all.length; i++) {
      if (i % mine.length < losses.length) {
        sum += all[i];
      } else if (all[i] > all[slowest * mine.length + losses.length]) {
        slowest = i / mine.length;
      }
    }
    if (gradients.ranks().isShared()) {
      numbers.put(SLOWEST_RANK, (double) slowest);
      numbers.put(SLOWEST_MS, all[slowest * mine.length + losses.length]);
    }
    return sum;
  }

  /**
   * Tells which rank the others waited for in the last iteration, how long its forward and backward
   * passes took, and how long this rank waited: {@value #SLOWEST_RANK}, {@value #SLOWEST_MS} and
   * {@value #WAITED_MS}.
   *
   * @return numbers for the log; none on one rank
   */
  public Map<String, Double> numbers() {
    return Collections.unmodifiableMap(numbers);
  }

  /** Every share needs the sum of all weights, so that batches are filled in twice. */
  private long totalWeight(int iteration) {
    long mine = 0;
    for (int i = 0; i < gradients.share(); i++) {
      int micro = gradients.first() + i;
      mine += objective.fill(batch(iteration, micro, false).inputs, iteration, micro);
    }
    long total = LongStream.of(gradients.ranks().gather(mine)).sum();
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

  /**
   * A pass, which tells what part of it is done once it is recorded; while it is being recorded,
   * nobody knows yet which gradients are final.
   */
  private double forwardAndBackward(Batch batch, int count, boolean adds, IntConsumer afterPart) {
    if (batch.recorded.isPresent()) {
      return batch.recorded.get().run(count, afterPart);
    }
    Tape tape = new Tape(backend, region, seed);
    tape.step().set(count);
    Tensor loss = objective.loss(tape, batch.inputs);
    tape.backward(loss, batch.share, adds ? List.of() : optimizer.trained());
    List<Program> parts = tape.programs(gradients.groups());
    Program whole =
        backend.capture(() -> {
          parts.forEach(Program::run);
          update.run();
        });
    batch.recorded = Optional.of(new MicroStep(tape.step(), loss, parts, whole));
    return loss.toFloats()[0];
  }
}

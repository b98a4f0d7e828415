package jambic.train.plan;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.Model;
import jambic.model.gpt.Gpt;
import jambic.model.gpt.GptConfig;
import jambic.model.nn.Parameters;
import jambic.model.translator.Translator;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.DType;
import jambic.tensor.InferenceOps;
import jambic.tensor.JambicException;
import jambic.tensor.Ops;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.meta.MetaBackend;
import jambic.tensor.spi.Region;
import jambic.tensor.text.Text;
import jambic.train.Trainer;
import jambic.train.config.RunConfig;
import jambic.train.config.TrainConfig;
import jambic.train.config.TranslationConfig;
import jambic.train.optim.GradientClip;
import jambic.train.optim.OptimizerKind;
import jambic.train.parallel.DataParallel;
import jambic.train.parallel.LaneTree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * How much memory a run will take, before it takes any.
 *
 * @param weights bytes of the parameters
 * @param gradients bytes of their gradients, and of partial sums where batches are accumulated
 * @param moments bytes of the optimizer's state: AdamW's two moments, or Muon's momentum and the
 *     matrices that it computes with; and a few numbers besides
 * @param activations bytes of what a step or an evaluation computes on its way, at its peak
 * @param regions bytes that {@link Trainer} really takes from the CPU for these, one after the
 *     other: the model's region, the gradients', the optimizer's, the activations'; more than the
 *     above because tensors begin at cache lines and regions grow in chunks. Empty where the
 *     activations were not counted
 */
public record MemoryEstimate(
    long weights, long gradients, long moments, long activations, List<Long> regions) {
  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  /**
   * Goes through an evaluation and one step of a run on the meta backend, in 32 bits throughout.
   *
   * @param config the run
   * @param vocabSize the number of token ids
   * @param limit bytes that may be taken; a model whose parameters alone need more is not gone
   *     through, and its activations count as 0
   * @return the estimate
   * @throws JambicException if the bytes cannot be counted in 63 bits
   */
  public static MemoryEstimate of(TrainConfig config, int vocabSize, long limit) {
    return of(config, config.gpt(vocabSize), limit, DType.F32);
  }

  /**
   * The same with activations in bfloat16: the weights have a copy in 16 bits to compute with;
   * gradients, moments, statistics and losses stay in 32.
   *
   * @param config the run
   * @param vocabSize the number of token ids
   * @param limit bytes that may be taken
   * @return the estimate, without regions: the CPU computes in 32 bits
   * @throws JambicException if the bytes cannot be counted in 63 bits
   */
  public static MemoryEstimate mixed(TrainConfig config, int vocabSize, long limit) {
    return of(config, config.gpt(vocabSize), limit, DType.BF16).withHalfCopy();
  }

  private MemoryEstimate withHalfCopy() {
    return new MemoryEstimate(weights + weights / 2, gradients, moments, activations, List.of());
  }

  /**
   * Goes through a run on a stored model.
   *
   * @param config the run
   * @param shape the model, {@code config.model().gpt(stored)}
   * @param limit bytes that may be taken
   * @return the estimate
   * @throws JambicException if the bytes cannot be counted in 63 bits
   */
  public static MemoryEstimate of(TrainConfig config, GptConfig shape, long limit) {
    return of(config, shape, limit, DType.F32);
  }

  /**
   * Goes through the training of a translator with a batch of its longest pairs.
   *
   * @param config the run
   * @param shape the model
   * @param limit as for {@link #of(TrainConfig, int, long)}
   * @param mixed whether activations are in bfloat16, as {@link #mixed} has them
   * @return the estimate
   * @throws JambicException if the bytes cannot be counted in 63 bits
   */
  public static MemoryEstimate of(
      TranslationConfig config, TranslatorConfig shape, long limit, boolean mixed) {
    try {
      int length = Math.min(shape.maxLength(), config.batch().batchTokens());
      Shape batch = Shape.of(config.batch().batchTokens() / length, length);
      float smoothing = (float) config.batch().labelSmoothing();
      MemoryEstimate estimate =
          of(
              config,
              true,
              shape.parameterCount(),
              limit,
              mixed ? DType.BF16 : DType.F32,
              paper -> new Translator(paper, shape),
              List.of(batch, Shape.of(batch.dim(0)), batch, batch),
              (model, ops, in) ->
                  model.loss(ops, in.get(0), in.get(1), in.get(2), in.get(3), smoothing));
      return mixed ? estimate.withHalfCopy() : estimate;
    } catch (ArithmeticException overflow) {
      throw new ConfigException(
          overflow,
          "a model with %s %d and %s %d at %s %d needs more memory than any machine has",
          new Name("encoderLayers"),
          shape.encoderLayers(),
          new Name("width"),
          shape.width(),
          new Name("batchTokens"),
          config.batch().batchTokens());
    }
  }

  /** Computes the loss of a batch. */
  private interface Loss<M> {
    Tensor of(M model, Ops ops, List<Tensor> inputs);
  }

  private static <M extends Model> MemoryEstimate of(
      RunConfig config,
      boolean trainsAll,
      long parameters,
      long limit,
      DType activationType,
      Function<MetaBackend, M> create,
      List<Shape> inputs,
      Loss<M> loss) {
    long weights = Math.multiplyExact(parameters, DType.F32.bytes());
    // At the least: Muon has one moment of most parameters, AdamW two of all.
    int moments = config.optimizer().optimizer() == OptimizerKind.MUON ? 1 : 2;
    long fixed = Math.multiplyExact(2 + moments, weights);
    return (trainsAll ? fixed : weights) > limit
        ? new MemoryEstimate(weights, weights, moments * weights, 0, List.of())
        : onPaper(config, weights, activationType, create, inputs, loss);
  }

  private static MemoryEstimate of(
      TrainConfig config, GptConfig shape, long limit, DType activationType) {
    Shape batch = Shape.of(config.batch().batchSize(), config.model().blockSize());
    try {
      return of(
          config,
          config.tuning().trainsAll(),
          shape.parameterCount(),
          limit,
          activationType,
          paper -> new Gpt(paper, shape, config.tuning().lora(Path.of(""))),
          List.of(batch, batch),
          (model, ops, in) -> model.loss(ops, in.get(0), in.get(1)));
    } catch (ArithmeticException overflow) {
      throw new ConfigException(
          overflow,
          "a model with %s %d, %s %d and %s %d at %s %d needs more memory than any machine has",
          new Name("nLayer"),
          config.model().nLayer(),
          new Name("nEmbd"),
          config.model().nEmbd(),
          new Name("blockSize"),
          config.model().blockSize(),
          new Name("batchSize"),
          config.batch().batchSize());
    }
  }

  /** In the order of {@link Trainer}. */
  private static <M extends Model> MemoryEstimate onPaper(
      RunConfig config,
      long weights,
      DType activationType,
      Function<MetaBackend, M> create,
      List<Shape> inputs,
      Loss<M> loss) {
    try (MetaBackend paper = new MetaBackend(activationType);
        M model = create.apply(paper)) {
      MetaBackend.MetaRegion gradients = paper.region();
      MetaBackend.MetaRegion state = paper.region();
      MetaBackend.MetaRegion activations = paper.region();
      Parameters trained = config.train(model, gradients);
      GradientClip clip =
          new GradientClip(paper, state, trained.tensors(), config.optimizer().gradClip());
      int lanes = DataParallel.lanes(config.gradientAccumulationSteps());
      new LaneTree(paper, gradients, clip.gradients(), lanes);
      config.optimizer().create(paper, state, trained.byName(), clip.factor());

      List<Tensor> first = allocate(activations, inputs);
      loss.of(model, new InferenceOps(paper, activations), first);

      activations.rewind();
      List<Tensor> second = allocate(activations, inputs);
      Tape tape = new Tape(paper, activations, config.seed());
      tape.backward(loss.of(model, tape, second), 1);
      long adjusted = gradients.needed();
      long kept = Math.addExact(adjusted, state.needed());
      Math.addExact(Math.addExact(weights, kept), activations.bytes());
      return new MemoryEstimate(
          weights, adjusted, state.needed(), activations.needed(), paper.regions());
    }
  }

  /**
   * The memory of each of several devices that share the micro batches: one with fewer lanes to sum
   * keeps fewer partial sums.
   *
   * @param microBatches of an iteration, of all devices
   * @param devices how many; where they do not divide the lanes, one has as many as before
   * @return the estimate
   */
  public MemoryEstimate shared(int microBatches, int devices) {
    int buffers = buffers(microBatches, 1);
    long left = gradients / buffers * buffers(microBatches, devices);
    List<Long> taken = new ArrayList<>(regions);
    if (!taken.isEmpty()) {
      taken.set(1, taken.get(1) - gradients + left);
    }
    return new MemoryEstimate(weights, left, moments, activations, taken);
  }

  /** Gradients as large as the parameters: of the micro batch at hand, and partial sums. */
  private static int buffers(int microBatches, int devices) {
    int lanes = DataParallel.lanes(microBatches);
    return 1 + Integer.numberOfTrailingZeros(lanes % devices == 0 ? lanes / devices : lanes);
  }

  /** The bytes of partial sums, which would not be there if each device had one lane. */
  long partialSums(int microBatches, int devices) {
    int buffers = buffers(microBatches, devices);
    return gradients / buffers * (buffers - 1);
  }

  private static List<Tensor> allocate(Region region, List<Shape> inputs) {
    return inputs.stream().map(shape -> region.allocate(DType.I32, shape)).toList();
  }

  /**
   * All of it.
   *
   * @return bytes
   */
  public long total() {
    return weights + gradients + moments + activations;
  }

  /**
   * Refuses a run that cannot fit.
   *
   * @param limit bytes that may be taken, usually the largest heap
   * @throws JambicException if the run needs more, with both figures and what lowers the need
   */
  public void requireWithin(long limit) {
    long taken = regions.stream().mapToLong(Long::longValue).sum();
    long needed = Math.max(total(), taken);
    if (needed <= limit) {
      return;
    }
    long unused = needed - total();
    String need =
        activations == 0
            ? Text.format(
                "the model alone would need %s with its gradients and moments", human(total()))
            : Text.format(
                "the run would need %s (model, gradients and moments %s, activations %s%s)",
                human(needed),
                human(weights + gradients + moments),
                human(activations),
                unused == 0 ? "" : ", unused ends of chunks " + human(unused));
    List<Object> arguments = new ArrayList<>(List.of(need, human(limit)));
    boolean manyActivations = activations > total() / 2;
    (manyActivations ? Stream.of("batchSize", "blockSize", "nEmbd") : Stream.of("nLayer", "nEmbd"))
        .map(Name::new)
        .forEach(arguments::add);
    throw new ConfigException(
        "%s, but the heap holds at most %s; lower "
            + (manyActivations ? "%s, %s or %s" : "%s or %s")
            + ", or give Java a larger heap with -Xmx",
        arguments.toArray());
  }

  /**
   * Compares the run with the memory that is free now, which may be less than what it may take.
   *
   * @return a sentence if the run needs more than is free; empty if it does not, or the system does
   *     not say what is free
   */
  public Optional<String> warning() {
    return warning(AvailableMemory.bytes(Path.of("/proc/meminfo")));
  }

  Optional<String> warning(OptionalLong available) {
    return available.isEmpty() || total() <= available.getAsLong()
        ? Optional.empty()
        : Optional.of(
            Text.format(
                "the run will need %s, but only %s of memory are free now: close other programs, or"
                    + " the system may stop it",
                human(total()), human(available.getAsLong())));
  }

  /**
   * Bytes as people say them.
   *
   * @param bytes how many
   * @return three digits or so and a unit
   */
  public static String human(long bytes) {
    double value = bytes / 1024.0;
    int unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    String digits = value < 9.95 ? "%.1f %s" : "%.0f %s";
    return Text.format(digits, value, UNITS[unit]);
  }
}

package jambic.train.plan;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.gpt.GptConfig;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.train.config.TrainConfig;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a run will cost, before it is started.
 *
 * @param config the run
 * @param model its shape
 * @param device what each of the devices is
 * @param devices how many share a step's micro batches, each with the whole model
 * @param mfu the share of the peak that is reckoned with, in (0, 1]
 * @param tokens how many tokens it trains on
 * @param memory of one device
 */
public record Plan(
    TrainConfig config,
    GptConfig model,
    DeviceSpec device,
    int devices,
    double mfu,
    double tokens,
    MemoryEstimate memory) {

  /** More than any machine has: a model whose parameters need more is not gone through. */
  static final long LIMIT = 1L << 52;

  /**
   * Plans a run.
   *
   * @param config the run
   * @param vocabSize the number of token ids
   * @param device what each of the devices is
   * @param devices how many share a step's micro batches
   * @param mfu the share of the peak that is reckoned with
   * @param tokens how many tokens it trains on
   * @return the plan
   * @throws JambicException if the run needs more memory than any machine has
   */
  public static Plan of(
      TrainConfig config,
      int vocabSize,
      DeviceSpec device,
      int devices,
      double mfu,
      double tokens) {
    MemoryEstimate memory =
        device.precision() == Precision.FP32
            ? MemoryEstimate.of(config, vocabSize, LIMIT)
            : MemoryEstimate.mixed(config, vocabSize, LIMIT);
    if (memory.activations() == 0) {
      throw new ConfigException(
          "the model alone would need %s with its gradients and moments, and no machine has that"
              + " much; lower %s or %s",
          MemoryEstimate.human(memory.total()), new Name("nLayer"), new Name("nEmbd"));
    }
    MemoryEstimate each = memory.shared(config.gradientAccumulationSteps(), devices);
    return new Plan(config, config.gpt(vocabSize), device, devices, mfu, tokens, each);
  }

  /**
   * The model's parameters.
   *
   * @return their counts
   */
  public ParameterCount parameters() {
    return ParameterCount.of(model);
  }

  /**
   * The operations of a forward pass, counted product by product.
   *
   * @return FLOPs of a token
   */
  public ForwardFlops forward() {
    return ForwardFlops.of(model);
  }

  /**
   * The operations of training by the formula that MFU is reckoned with.
   *
   * @return {@code 6 N + 12 L H Q T} FLOPs a token
   */
  public double flopsPerToken() {
    return ModelFlops.perToken(model);
  }

  /**
   * The operations behind one update.
   *
   * @return FLOPs
   */
  public double flopsPerStep() {
    return flopsPerToken() * config.tokensPerIter();
  }

  /**
   * The updates that the tokens make.
   *
   * @return iterations, the last one perhaps begun
   */
  public long iterations() {
    return (long) Math.ceil(tokens / config.tokensPerIter());
  }

  /**
   * The micro batches that the busiest device computes in a step, one after the other. They are
   * dealt out whole, and the step ends when the last device has.
   *
   * @return at least 1
   */
  public int busiest() {
    return busiest(config.batch().gradientAccumulationSteps(), devices);
  }

  /**
   * How much of a step the devices compute; the rest of it they have nothing to do.
   *
   * @return 1 where each has the same number of micro batches
   */
  public double occupancy() {
    return occupancy(config.batch().gradientAccumulationSteps(), devices);
  }

  static int busiest(int microBatches, int devices) {
    return Math.ceilDiv(microBatches, devices);
  }

  static double occupancy(int microBatches, int devices) {
    return (double) microBatches / busiest(microBatches, devices) / devices;
  }

  /**
   * The tokens that all devices train on in a second.
   *
   * @return tokens a second; empty if the peak is not known
   */
  public OptionalDouble tokensPerSecond() {
    return device.peak().isPresent()
        ? OptionalDouble.of(
            occupancy() * devices * mfu * device.peak().getAsDouble() / flopsPerToken())
        : OptionalDouble.empty();
  }

  /**
   * The time that a number of tokens takes.
   *
   * @param count how many tokens
   * @return seconds; empty if the peak is not known
   */
  public OptionalDouble seconds(double count) {
    OptionalDouble rate = tokensPerSecond();
    return rate.isPresent()
        ? OptionalDouble.of(count / rate.getAsDouble())
        : OptionalDouble.empty();
  }

  /**
   * What it takes that several devices train together.
   *
   * @param network what they talk over
   * @return the figures; empty for one device, or one whose peak is not known
   */
  public Optional<ScaleOut> over(Network network) {
    OptionalDouble step = seconds(config.tokensPerIter());
    return devices > 1 && step.isPresent()
        ? Optional.of(
            new ScaleOut(
                network, devices, model.parameterCount(), step.getAsDouble(), memory, device))
        : Optional.empty();
  }

  /**
   * Whether each device holds the whole run.
   *
   * @return true if weights, gradients, moments and activations fit
   */
  public boolean fits() {
    return memory.total() <= device.memory();
  }

  /**
   * The devices that hold the model if weights, gradients and moments are divided evenly among them
   * and each has the activations of its own micro batch, as ZeRO's third stage has it.
   *
   * @return the least number; 0 if the activations alone do not fit
   */
  public long leastDevices() {
    long partialSums = memory.partialSums(config.gradientAccumulationSteps(), devices);
    return leastDevices(memory, partialSums, device);
  }

  static long leastDevices(MemoryEstimate memory, long partialSums, DeviceSpec device) {
    long room = device.memory() - memory.activations();
    long fixed = memory.total() - memory.activations() - partialSums;
    return room <= 0 ? 0 : Math.ceilDiv(fixed, room);
  }
}

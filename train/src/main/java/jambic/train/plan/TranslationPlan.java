package jambic.train.plan;

import jambic.model.ConfigException;
import jambic.model.ConfigMessage.Name;
import jambic.model.translator.TranslatorConfig;
import jambic.tensor.JambicException;
import jambic.tensor.Precision;
import jambic.train.config.TranslationConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What training a translator will cost, before it is started. Batches count as full, with pairs of
 * the greatest length on both sides: shorter pairs need less attention, and padding is computed
 * too.
 *
 * @param config the run
 * @param model its shape
 * @param device what each of the devices is
 * @param devices how many share a step's micro batches, each with the whole model
 * @param mfu the share of the peak that is reckoned with, in (0, 1]
 * @param memory of one device
 */
public record TranslationPlan(
    TranslationConfig config,
    TranslatorConfig model,
    DeviceSpec device,
    int devices,
    double mfu,
    MemoryEstimate memory) {

  /**
   * Plans a run.
   *
   * @param config the run; its vocabulary counts as learned in full
   * @param device what each of the devices is
   * @param devices how many share a step's micro batches
   * @param mfu the share of the peak that is reckoned with
   * @return the plan
   * @throws JambicException if the run needs more memory than any machine has
   */
  public static TranslationPlan of(
      TranslationConfig config, DeviceSpec device, int devices, double mfu) {
    TranslatorConfig model = config.model().translator(config.batch().vocabSize());
    boolean mixed = device.precision() != Precision.FP32;
    MemoryEstimate memory = MemoryEstimate.of(config, model, Plan.LIMIT, mixed);
    if (memory.activations() == 0) {
      throw new ConfigException(
          "the model alone would need %s with its gradients and moments, and no machine has that"
              + " much; lower %s, %s or %s",
          MemoryEstimate.human(memory.total()),
          new Name("encoderLayers"),
          new Name("decoderLayers"),
          new Name("width"));
    }
    MemoryEstimate each = memory.shared(config.gradientAccumulationSteps(), devices);
    return new TranslationPlan(config, model, device, devices, mfu, each);
  }

  /**
   * Counts the parameters by part; positions are computed and have none.
   *
   * @return the counts, which add up to all of them
   */
  public Map<String, Long> parameters() {
    long c = model.width();
    long attention = 4 * (c * c + c);
    long norm = 2 * c;
    Map<String, Long> parts = new LinkedHashMap<>();
    parts.put("embedding and head", model.vocabSize() * c);
    parts.put("encoder/attention", model.encoderLayers() * attention);
    parts.put("encoder/feed-forward", model.encoderLayers() * feedForward(model.encoderInner()));
    parts.put("encoder/norms", (2L * model.encoderLayers() + (model.preNorm() ? 1 : 0)) * norm);
    parts.put("decoder/attention", model.decoderLayers() * attention);
    parts.put("decoder/cross-attention", model.decoderLayers() * attention);
    parts.put("decoder/feed-forward", model.decoderLayers() * feedForward(model.decoderInner()));
    parts.put("decoder/norms", (3L * model.decoderLayers() + (model.preNorm() ? 1 : 0)) * norm);
    return parts;
  }

  private long feedForward(long inner) {
    return 2L * model.width() * inner + inner + model.width();
  }

  /**
   * Counts the operations of a forward pass product by product, as {@link ForwardFlops} does.
   *
   * @return FLOPs by part, of a token of the source and one of the target
   */
  public Map<String, Double> forward() {
    return forward(model, model.maxLength());
  }

  private static Map<String, Double> forward(TranslatorConfig model, int length) {
    double c = model.width();
    double projections = 8 * c * c; // queries, keys, values and what is behind them
    double scores = 4 * c * length; // and the weighted sum of values
    double layers = model.decoderLayers();
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put("encoder/attention", model.encoderLayers() * (projections + scores));
    parts.put("encoder/feed-forward", model.encoderLayers() * 4 * c * model.encoderInner());
    parts.put("decoder/attention", layers * (projections + scores));
    parts.put("decoder/cross-attention", layers * (projections + scores));
    parts.put("decoder/feed-forward", layers * 4 * c * model.decoderInner());
    parts.put("head", 2 * c * model.vocabSize());
    return parts;
  }

  /**
   * Counts the operations of training: the backward pass costs twice the forward pass.
   *
   * @return FLOPs of a token of the source and one of the target
   */
  public double flopsPerToken() {
    return flopsPerToken(model, model.maxLength());
  }

  /**
   * Counts the same for pairs of another length.
   *
   * @param model the model's shape
   * @param length tokens of either side
   * @return FLOPs of a token of the source and one of the target
   */
  public static double flopsPerToken(TranslatorConfig model, int length) {
    return 3 * forward(model, length).values().stream().mapToDouble(Double::doubleValue).sum();
  }

  /**
   * Counts the tokens of a side behind one update.
   *
   * @return at most so many, padding included
   */
  public long tokensPerStep() {
    return (long) config.batch().batchTokens() * config.gradientAccumulationSteps();
  }

  /**
   * Counts the operations behind one update.
   *
   * @return FLOPs
   */
  public double flopsPerStep() {
    return flopsPerToken() * tokensPerStep();
  }

  /**
   * Tells how much of a step the devices compute.
   *
   * @return 1 where each has the same number of micro batches
   */
  public double occupancy() {
    return Plan.occupancy(config.gradientAccumulationSteps(), devices);
  }

  /**
   * Tells how long an update takes.
   *
   * @return seconds; empty if the peak is not known
   */
  public OptionalDouble secondsPerStep() {
    return device.peak().isPresent()
        ? OptionalDouble.of(
            flopsPerStep() / (occupancy() * devices * mfu * device.peak().getAsDouble()))
        : OptionalDouble.empty();
  }

  /**
   * What it takes that several devices train together.
   *
   * @param network what they talk over
   * @return the figures; empty for one device, or one whose peak is not known
   */
  public Optional<ScaleOut> over(Network network) {
    OptionalDouble step = secondsPerStep();
    return devices > 1 && step.isPresent()
        ? Optional.of(
            new ScaleOut(
                network, devices, model.parameterCount(), step.getAsDouble(), memory, device))
        : Optional.empty();
  }

  /**
   * Tells whether each device holds the whole run.
   *
   * @return true if weights, gradients, moments and activations fit
   */
  public boolean fits() {
    return memory.total() <= device.memory();
  }

  /**
   * Tells how many devices hold the model, divided as {@link Plan#leastDevices} says.
   *
   * @return the least number; 0 if the activations alone do not fit
   */
  public long leastDevices() {
    long partialSums = memory.partialSums(config.gradientAccumulationSteps(), devices);
    return Plan.leastDevices(memory, partialSums, device);
  }
}

package jambic.train;

import jambic.model.Gpt;
import jambic.model.GptConfig;
import jambic.tensor.DType;
import jambic.tensor.JambicException;
import jambic.tensor.Shape;
import jambic.tensor.Tape;
import jambic.tensor.Tensor;
import jambic.tensor.spi.Region;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How much memory a run will take, before it takes any.
 *
 * @param weights bytes of the parameters
 * @param gradients bytes of their gradients
 * @param moments bytes of AdamW's two moments
 * @param activations bytes of what a step computes on its way, at its peak
 */
public record MemoryEstimate(long weights, long gradients, long moments, long activations) {
  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

  /**
   * Goes through one step of a run on paper.
   *
   * @param config the run
   * @param vocabSize the number of token ids
   * @param limit bytes that may be taken; a model whose parameters alone need more is not gone
   *     through, and its activations count as 0
   * @return the estimate
   * @throws JambicException if the bytes cannot be counted in 63 bits
   */
  public static MemoryEstimate of(TrainConfig config, int vocabSize, long limit) {
    GptConfig shape = config.gpt(vocabSize);
    try {
      long weights = Math.multiplyExact(shape.parameterCount(), DType.F32.bytes());
      long fixed = Math.multiplyExact(4, weights);
      long activations = fixed > limit ? 0 : activations(config, shape);
      Math.addExact(fixed, activations);
      return new MemoryEstimate(weights, weights, 2 * weights, activations);
    } catch (ArithmeticException overflow) {
      throw new JambicException(
          "a model with nLayer %d, nEmbd %d and blockSize %d at batchSize %d needs more memory than"
                  .formatted(
                      config.nLayer(), config.nEmbd(), config.blockSize(), config.batchSize())
              + " any machine has",
          overflow);
    }
  }

  private static long activations(TrainConfig config, GptConfig shape) {
    try (PaperBackend paper = new PaperBackend();
        Region gradients = paper.region();
        Region region = paper.region();
        Gpt model = new Gpt(paper, shape)) {
      model.parameters().train(gradients);
      Shape batch = Shape.of(config.batchSize(), config.blockSize());
      Tensor ids = region.allocate(DType.I32, batch);
      Tensor targets = region.allocate(DType.I32, batch);
      Tape tape = new Tape(paper, region, config.seed());
      tape.backward(model.loss(tape, ids, targets), 1);
      return region.bytes();
    }
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
    if (total() <= limit) {
      return;
    }
    String need =
        activations == 0
            ? "the model alone would need %s with its gradients and moments"
                .formatted(human(total()))
            : "the run would need %s (model, gradients and moments %s, activations %s)"
                .formatted(
                    human(total()), human(weights + gradients + moments), human(activations));
    throw new JambicException(
        need
            + ", but the heap holds at most %s; lower ".formatted(human(limit))
            + (activations > total() / 2 ? "batchSize, blockSize or nEmbd" : "nLayer or nEmbd")
            + ", or give Java a larger heap with -Xmx");
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
            "the run will need %s, but only %s of memory are free now: close other programs, or the system may stop it"
                .formatted(human(total()), human(available.getAsLong())));
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
    return String.format(Locale.ROOT, digits, value, UNITS[unit]);
  }
}

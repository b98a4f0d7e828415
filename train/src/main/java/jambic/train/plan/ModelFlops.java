package jambic.train.plan;

import jambic.model.gpt.GptConfig;
import jambic.tensor.text.Text;
import java.util.OptionalDouble;

/**
 * Turns the time of a step into model FLOPs utilization: the floating-point operations that the
 * model's arithmetic needs, over what the machine could have done in that time.
 *
 * <p>A token costs {@code 6 N + 12 L C T} operations, forward and backward (PaLM, appendix B, as
 * nanoGPT counts): N parameters in use but the position table, L layers, C = H Q channels in H
 * heads of Q, T context. {@link ForwardFlops} counts product by product instead, and agrees within
 * 0.1 % where biases and norms are few. The peak is the caller's to measure and to name; without
 * one there is no utilization.
 *
 * @param perToken floating-point operations of one token, forward and backward
 * @param peak what the machine could do at best, in operations a second; absent if not known
 * @param peakName what that peak is, for example "FMA peak of 2 threads, measured"
 */
public record ModelFlops(double perToken, OptionalDouble peak, String peakName) {
  /**
   * Counts the operations of a GPT's token.
   *
   * @param parameters the number of parameters, without the position table
   * @param nLayer layers
   * @param nEmbd channels
   * @param blockSize tokens in a context
   * @return forward and backward operations of one token
   */
  public static double perToken(long parameters, int nLayer, int nEmbd, int blockSize) {
    return 6.0 * parameters + 12.0 * nLayer * nEmbd * blockSize;
  }

  /**
   * Counts the operations of a GPT's token.
   *
   * @param config the model's shape
   * @return forward and backward operations of one token
   */
  public static double perToken(GptConfig config) {
    long positions = (long) config.blockSize() * config.nEmbd();
    return perToken(
        config.parameterCount() - positions, config.nLayer(), config.nEmbd(), config.blockSize());
  }

  /**
   * The utilization of a step.
   *
   * @param tokens the tokens trained on
   * @param seconds the time that took
   * @return the share of the peak, usually in [0, 1], or empty without a peak
   */
  public OptionalDouble utilization(long tokens, double seconds) {
    return peak.isPresent()
        ? OptionalDouble.of(perToken * tokens / seconds / peak.getAsDouble())
        : OptionalDouble.empty();
  }

  /**
   * Says in words how the utilization is reckoned, for the run's record.
   *
   * @return one line, naming the formula and the peak
   */
  public String describe() {
    String formula = format("(6 N + 12 L C T) = %.4g FLOP a token", perToken);
    return peak.isPresent()
        ? format("mfu = %s / %.4g FLOP/s (%s)", formula, peak.getAsDouble(), peakName)
        : formula + "; no mfu: the peak is not known";
  }

  private static String format(String format, Object... arguments) {
    return Text.format(format, arguments);
  }
}
